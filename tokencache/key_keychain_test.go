package tokencache

import (
	"encoding/base64"
	"errors"
	"runtime"
	"testing"
)

// fakeKeychain is a keychain in memory.
type fakeKeychain struct {
	items            map[string]string
	getError         error
	setError         error
	forgets, another bool // what set does with the text
}

func (f *fakeKeychain) get(service, account string) (string, error) {
	text, ok := f.items[service+"/"+account]
	if f.getError != nil {
		return "", f.getError
	}
	if !ok {
		return "", errNoItem
	}
	return text, nil
}

func (f *fakeKeychain) set(service, account, text string) error {
	if f.another {
		text = base64.StdEncoding.EncodeToString(theKey)
	}
	if f.setError == nil && !f.forgets {
		f.items[service+"/"+account] = text
	}
	return f.setError
}

func TestKeychainKeepsOneKey(t *testing.T) {
	items := &fakeKeychain{items: map[string]string{}}
	first, err := keychainKey("calwatch", items).Key()
	must(t, err)
	text := items.items["calwatch/"+keychainAccount]
	if raw, err := base64.StdEncoding.DecodeString(text); err != nil || string(raw) != string(first.secret()) {
		t.Errorf("the item is not the key's base64 (%v)", err)
	}
	second, err := keychainKey("calwatch", items).Key()
	must(t, err)
	other, err := keychainKey("other", items).Key()
	must(t, err)
	if string(second.secret()) != string(first.secret()) || string(other.secret()) == string(first.secret()) {
		t.Error("the second time there is another key, or another service has the same")
	}
	if want := "keychain item calwatch"; first.Source() != want {
		t.Errorf("it came from %q, want %q", first.Source(), want)
	}
}

func TestKeychainUsesTheKeyThatIsThereInTheEnd(t *testing.T) {
	key, err := keychainKey("calwatch", &fakeKeychain{items: map[string]string{}, another: true}).Key()
	must(t, err)
	if string(key.secret()) != string(theKey) {
		t.Error("it is not the one that another process has stored")
	}
}

func TestKeychainThatCannotBeUsedIsNotPassedOver(t *testing.T) {
	locked := errors.New("exit status 36")
	for name, items := range map[string]*fakeKeychain{
		"locked":              {getError: locked},
		"cannot be written":   {setError: locked},
		"forgets":             {forgets: true},
		"holds no key":        {items: map[string]string{"calwatch/" + keychainAccount: "secret-at-1"}},
		"holds an empty text": {items: map[string]string{"calwatch/" + keychainAccount: ""}},
	} {
		_, err := First(keychainKey("calwatch", items), fixedKey(theKey)).Key()
		wantError(t, err, nil, "tokencache: keychain item calwatch")
		if errors.Is(err, ErrNoKey) {
			t.Errorf("%s: it passes for no key", name)
		}
	}
	for _, service := range []string{"", "a\nb", "a\x00"} {
		_, err := keychainKey(service, &fakeKeychain{items: map[string]string{}}).Key()
		wantError(t, err, nil, "cannot be the service")
	}
}

func TestKeychainIsOnMacOSOnly(t *testing.T) {
	if _, err := keychainKey("calwatch", nil).Key(); !errors.Is(err, ErrNoKey) {
		t.Errorf("no keychain: %v", err)
	}
	if runtime.GOOS != "darwin" {
		_, err := Keychain("calwatch").Key()
		wantError(t, err, ErrNoKey, "only macOS")
	}
}
