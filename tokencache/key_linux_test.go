package tokencache

import (
	"bytes"
	"crypto/rand"
	"errors"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// fakeKernel is a kernel with one key at most. Whatever it does, it can be made to refuse.
type fakeKernel struct {
	content []byte
	linked  bool
	refuses map[string]error
}

func (f *fakeKernel) link(key, ring int) error {
	f.linked = f.refuses["link"] == nil
	return f.refuses["link"]
}

func (f *fakeKernel) unlink(key, ring int) error { f.linked = false; return nil }

func (f *fakeKernel) search(ring int, description string) (int, error) {
	if err := f.refuses["search"]; err != nil || f.content != nil {
		return 1, err
	}
	return 0, unix.ENOKEY
}

func (f *fakeKernel) add(ring int, description string, content []byte) (int, error) {
	if f.refuses["add"] == nil {
		f.content = content
	}
	return 1, f.refuses["add"]
}

func (f *fakeKernel) read(key int, content []byte) (int, error) {
	copy(content, f.content)
	return len(f.content), f.refuses["read"]
}

func TestKeyringKeepsOneKeyUntilTheKernelForgetsIt(t *testing.T) {
	keys := new(fakeKernel)
	first, err := keyringKey("calwatch", keys).Key()
	must(t, err)
	second, err := keyringKey("calwatch", keys).Key()
	must(t, err)
	if string(first.secret()) != string(second.secret()) || keys.linked {
		t.Errorf("the second time there is another key, or the keyring is still linked (%v)", keys.linked)
	}
	for _, gone := range []error{unix.EKEYEXPIRED, unix.EKEYREVOKED} {
		keys.refuses = map[string]error{"search": gone}
		third, err := keyringKey("calwatch", keys).Key()
		if err != nil || string(third.secret()) == string(first.secret()) {
			t.Errorf("%v: the key was not made anew (%v)", gone, err)
		}
	}
}

func TestKeyringThatMayNotBeUsedIsPassedOver(t *testing.T) {
	// What Docker's default seccomp profile answers, kernels without keyrings, full quotas, and access modules.
	for _, refuses := range []map[string]error{{"link": unix.EPERM}, {"link": unix.ENOSYS}, {"search": unix.EACCES}, {"add": unix.EDQUOT}} {
		keys := &fakeKernel{refuses: refuses}
		_, err := keyringKey("calwatch", keys).Key()
		wantError(t, err, ErrNoKey, "kernel keyring, key calwatch", "the kernel refuses: ")
		key, err := First(keyringKey("calwatch", keys), fixedKey(theKey)).Key()
		if err != nil || key.Source() != "the test" {
			t.Errorf("%v: the next source was not asked (%v)", refuses, err)
		}
	}
	_, err := keyringKey("calwatch", &fakeKernel{refuses: map[string]error{"link": unix.EPERM}}).Key()
	wantError(t, err, ErrNoKey, "containers often forbid keyctl")
}

func TestKeyringKeyThatCannotBeUsedIsNotPassedOver(t *testing.T) {
	for _, keys := range []*fakeKernel{
		{refuses: map[string]error{"read": unix.EACCES}},
		{content: []byte("short")},
		{content: make([]byte, 2*keySize)},
	} {
		_, err := First(keyringKey("calwatch", keys), fixedKey(theKey)).Key()
		if errors.Is(err, ErrNoKey) {
			t.Error("it passes for no key")
		}
		wantError(t, err, nil, "kernel keyring, key calwatch")
	}
}

func TestKeyThatWasLostAtARebootSaysSo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "my tokens")
	s, err := Open(dir, keyringKey("calwatch", new(fakeKernel)))
	must(t, err)
	must(t, newClient(s.Account("alex")).signIn(t.Context(), "mail"))
	must(t, s.Close())
	keys := new(fakeKernel)
	for _, later := range [][]byte{nil, bytes.ToUpper(theKey)} { // the second time, another directory has a key
		keys.content = later
		_, err = Open(dir, keyringKey("calwatch", keys))
		wantError(t, err, ErrWrongKey, "kernel keyring, key calwatch", "forgets keys at a reboot", "rm -r '"+dir+"'", "sign in again")
		if !bytes.Equal(keys.content, later) {
			t.Error("a key was made for a directory that has another")
		}
	}
}

// Containers are often not allowed to use the keyring; then it has to say so, and be passed over.
func TestKeyringOfThisMachineKeepsOneKeyOrHasNone(t *testing.T) {
	description := "calwatch-test-" + rand.Text()
	t.Cleanup(func() {
		if id, err := unix.KeyctlSearch(userKeyring, "user", description, 0); err == nil {
			_, _ = unix.KeyctlInt(unix.KEYCTL_UNLINK, id, userKeyring, 0, 0)
		}
	})
	first, err := Keyring(description).Key()
	if errors.Is(err, ErrNoKey) {
		wantError(t, err, ErrNoKey, description, "the kernel refuses")
		t.Log(err)
		return
	}
	must(t, err)
	second := make(chan Key)
	go func() { // on another thread, perhaps
		key, err := Keyring(description).Key()
		if err != nil {
			t.Error(err)
		}
		second <- key
	}()
	if key := <-second; key.secret == nil || string(key.secret()) != string(first.secret()) {
		t.Error("the second time there is another key")
	}
	hasNoSecret(t, "the key", first.String())
}
