package tokencache

import (
	"errors"

	"github.com/zalando/go-keyring"
)

func systemKeychain() keychain { return loginKeychain{} }

// loginKeychain is the user's keychain, reached through /usr/bin/security: without cgo there is no other way.
type loginKeychain struct{}

func (loginKeychain) get(service, account string) (string, error) {
	text, err := keyring.Get(service, account)
	if errors.Is(err, keyring.ErrNotFound) {
		return "", errNoItem
	}
	return text, err
}

func (loginKeychain) set(service, account, text string) error {
	return keyring.Set(service, account, text)
}
