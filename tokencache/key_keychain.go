package tokencache

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// keychainAccount is the account of the item, which macOS's Keychain Access shows beside the service.
const keychainAccount = "token cache key"

// errNoItem is what a keychain returns that does not have the item.
var errNoItem = errors.New("there is no such item")

// A keychain holds short texts for the user.
type keychain interface {
	get(service, account string) (string, error)
	set(service, account, text string) error // replaces
}

// Keychain keeps the key in the macOS login keychain of the user, as a generic password with the given service, for example
// "calwatch". If it is missing, it is made, at random, while [Open] has the directory locked; so give each directory a service of its
// own. On other systems it is ErrNoKey.
//
// It is no protection against other programs of the user: the item is made and read by /usr/bin/security, and whatever can run that can
// read it without a question. What it gives is a key that is not a file, and that backups and copies hold encrypted only, under the user's
// login password. Over ssh, and before somebody has logged in, the keychain is locked: that is an error, not ErrNoKey, since another source's key would
// be another one; use a key file there.
func Keychain(service string) KeySource { return keychainKey(service, systemKeychain()) }

// keychainKey is Keychain with the keychain to be used; nil: there is none.
func keychainKey(service string, items keychain) KeySource {
	return makingSource(func(create bool) (Key, error) {
		source := "keychain item " + service
		if items == nil {
			return Key{}, noKey(source, "only macOS has a keychain")
		}
		if service == "" || strings.ContainsFunc(service, unicode.IsControl) {
			return Key{}, fmt.Errorf("tokencache: %q cannot be the service of a keychain item; name it after the program", service)
		}
		text, err := items.get(service, keychainAccount)
		if errors.Is(err, errNoItem) {
			if !create {
				return Key{}, noKey(source, errNoItem.Error())
			}
			text, err = makeItem(service, items)
		}
		if err != nil {
			return Key{}, fmt.Errorf(`tokencache: %s: %w; if the keychain is locked, run "security unlock-keychain", or use a key file`, source, err)
		}
		return NewKey([]byte(text), source)
	})
}

// makeItem makes a key and returns what is in the keychain then: that may be another process's, and a tool that says it has stored
// something need not have.
func makeItem(service string, items keychain) (string, error) {
	made := base64.StdEncoding.EncodeToString(randomKey("").secret())
	if err := items.set(service, keychainAccount, made); err != nil {
		return "", fmt.Errorf("making it: %w", err)
	}
	text, err := items.get(service, keychainAccount)
	if err != nil {
		return "", fmt.Errorf("reading what was made: %w", err)
	}
	return text, nil
}
