package tokencache

import (
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// makers are the sources that make a key, as far as this system has them, with what tells whether they have.
func makers(t *testing.T) map[string]func() (source KeySource, made func() bool) {
	file := func() (KeySource, func() bool) {
		home := filepath.Join(t.TempDir(), "config")
		return NewKeyFile(filepath.Join(home, "key")), func() bool {
			_, err := os.Stat(home)
			return err == nil
		}
	}
	item := func() (KeySource, func() bool) {
		items := &fakeKeychain{items: map[string]string{}}
		return keychainKey("calwatch", items), func() bool { return len(items.items) > 0 }
	}
	all := map[string]func() (KeySource, func() bool){
		"file":     file,
		"keychain": item,
		"the first of several": func() (KeySource, func() bool) {
			a, madeA := item()
			b, madeB := file()
			return First(KeyFile(filepath.Join(t.TempDir(), "no key")), First(a), b), func() bool { return madeA() || madeB() }
		},
	}
	addMakers(t, all)
	return all
}

func TestNoKeyIsMadeForADirectoryThatHasAnother(t *testing.T) {
	for name, maker := range makers(t) {
		for _, only := range []string{checkName, "an account"} {
			t.Run(name+", "+only, func(t *testing.T) {
				_, dir, path := stored(t, nil)
				if only == checkName {
					must(t, os.Remove(path))
				} else {
					must(t, os.Remove(filepath.Join(dir, checkName)))
				}
				before := files(t, dir, notLock)
				source, made := maker()
				_, err := Open(dir, source)
				wantError(t, err, ErrNoKey, "the cache in "+dir+" was written with another key", "bring it back", `run "rm -r `+dir+`"`, "sign in again")
				wantError(t, err, ErrWrongKey) // it is no reason to go on without
				if made() || !slices.Equal(files(t, dir, notLock), before) {
					t.Error("something was made")
				}
				must(t, RemoveAll(dir))
				s, err := Open(dir, source)
				must(t, err)
				must(t, s.Close())
				if !made() {
					t.Error("no key was made for a new directory")
				}
			})
		}
	}
}

func TestLostKeySaysWhereItWasLookedFor(t *testing.T) {
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	_, dir, _ := stored(t, nil)
	custom := keySourceFunc(func() (Key, error) { return Key{}, errors.Join(errors.New("the vault has none"), ErrNoKey) })
	path := filepath.Join(t.TempDir(), "no", "such", "key")
	_, err := Open(dir, First(Credential("calwatch.key"), NewKeyFile(path), custom))
	wantError(t, err, ErrNoKey, "systemd credential calwatch.key: $CREDENTIALS_DIRECTORY is not set", "key file "+path+": it does not exist", "the vault has none")
}

// The key may be where a later source finds it.
func TestKeyThatExistsIsFoundBehindASourceThatCouldMakeOne(t *testing.T) {
	_, dir, _ := stored(t, nil)
	path := filepath.Join(t.TempDir(), "key")
	writeAll(t, path, theKey)
	items := &fakeKeychain{items: map[string]string{}}
	s, err := Open(dir, First(keychainKey("calwatch", items), NewKeyFile(path)))
	must(t, err)
	defer s.Close()
	if len(items.items) > 0 || s.KeySource() != "key file "+path {
		t.Errorf("%d items, the key is from %s", len(items.items), s.KeySource())
	}
}

// A source of somebody else's keeps working, whatever it does.
func TestForeignSourceIsAskedAsEver(t *testing.T) {
	_, dir, _ := stored(t, nil)
	asked := 0
	source := foreignSource(func() (Key, error) { asked++; return NewKey(theKey, "elsewhere") })
	for _, options := range [][]Option{nil, {ExistingOnly()}} {
		s, err := Open(dir, First(source), options...)
		must(t, err)
		must(t, s.Close())
	}
	if asked != 2 {
		t.Errorf("it was asked %d times, want twice", asked)
	}
}

type foreignSource func() (Key, error)

func (f foreignSource) Key() (Key, error) { return f() }

func TestExistingOnlyMakesNothing(t *testing.T) {
	for name, maker := range makers(t) {
		t.Run(name, func(t *testing.T) {
			source, made := maker()
			home := t.TempDir()
			dir := filepath.Join(home, "a", "tokens")
			_, err := Open(dir, source, ExistingOnly())
			wantError(t, err, fs.ErrNotExist, dir)
			if made() || len(files(t, home, func(string) bool { return true })) > 0 {
				t.Error("a directory or a key was made")
			}

			makeDir(t, dir) // and nothing in it
			_, err = Open(dir, source, ExistingOnly())
			wantError(t, err, ErrNoKey)
			if made() || errors.Is(err, ErrWrongKey) || len(files(t, dir, func(string) bool { return true })) > 0 {
				t.Errorf("a file or a key was made, or %v", err)
			}

			s, err := Open(dir, source)
			must(t, err)
			must(t, newClient(s.Account("alex")).signIn(t.Context(), "mail"))
			must(t, s.Close())
			for _, name := range []string{checkName, storeLock} {
				must(t, os.Remove(filepath.Join(dir, name)))
			}
			before := files(t, dir, func(string) bool { return true })
			if s, err = Open(dir, source, ExistingOnly()); err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if infos, err := s.Accounts(); err != nil || len(infos) != 1 || infos[0].ID != "alex" {
				t.Errorf("got %v, %v", infos, err)
			}
			if after := files(t, dir, func(string) bool { return true }); !slices.Equal(after, before) {
				t.Errorf("there are %v\nwant %v", after, before)
			}
		})
	}
	_, dir, _ := stored(t, nil)
	_, err := Open(dir, fixedKey([]byte(base64.StdEncoding.EncodeToString(make([]byte, keySize-1))+"AAAA")), ExistingOnly())
	wantError(t, err, nil, "no key")
	_, err = Open(dir, fixedKey(append([]byte("x"), theKey[1:]...)), ExistingOnly())
	wantError(t, err, ErrWrongKey)
}
