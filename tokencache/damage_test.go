package tokencache

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// stored makes a store with one account and returns it, with the path of that account's file.
func stored(t *testing.T, damaged func(error)) (s *Store, dir, path string) {
	t.Helper()
	dir = newDir(t)
	s = openTest(t, dir, damaged)
	must(t, newClient(s.Account("alex")).signIn(t.Context(), "mail"))
	return s, dir, filepath.Join(dir, s.sealer.name("alex"))
}

func TestFilesShowNothing(t *testing.T) {
	_, dir, path := stored(t, nil)
	content, err := os.ReadFile(path)
	must(t, err)
	hasNoSecret(t, "the file", string(content))
	for _, name := range files(t, dir, func(string) bool { return true }) {
		if strings.Contains(name, "alex") || strings.Contains(string(content), "alex") {
			t.Errorf("file %s tells who it is about", name)
		}
	}
	other, err := Open(newDir(t), fixedKey(bytes.ToUpper(theKey)))
	must(t, err)
	defer other.Close()
	if other.sealer.name("alex") == filepath.Base(path) {
		t.Error("the name of an account's file does not depend on the key")
	}
}

func TestDamagedFileIsSetAsideReportedOnceAndCountsAsEmpty(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"empty":      func([]byte) []byte { return nil },
		"text":       func([]byte) []byte { return []byte("{}") },
		"magic only": func(content []byte) []byte { return content[:len(magic)] },
		"cut off":    func(content []byte) []byte { return content[:headerSize+3] },
		"half":       func(content []byte) []byte { return content[:len(content)/2] },
		"longer":     func(content []byte) []byte { return append(content, 0) },
		"one bit":    func(content []byte) []byte { content[len(content)-1] ^= 1; return content },
		"version 0":  func(content []byte) []byte { content[len(magic)] = 0; return content },
		"too large":  func(content []byte) []byte { return append(content, make([]byte, maxFile)...) },
	} {
		t.Run(name, func(t *testing.T) {
			var reports []error
			s, dir, path := stored(t, func(err error) { reports = append(reports, err) })
			content, err := os.ReadFile(path)
			must(t, err)
			content = damage(content)
			must(t, os.WriteFile(path, content, 0o600))

			c := newClient(s.Account("alex"))
			must(t, c.load(t.Context()))
			must(t, c.load(t.Context()))
			if len(c.sections) != 0 {
				t.Error("it does not count as empty")
			}
			if len(reports) != 1 {
				t.Fatalf("%d reports, want one", len(reports))
			}
			wantError(t, reports[0], ErrDamaged, path, badSuffix, "sign in again")
			bad, err := os.ReadFile(path + badSuffix)
			if err != nil || !bytes.Equal(bad, content) {
				t.Errorf("what was set aside is not what was there (%v)", err)
			}

			// A sign-in heals it, and a second damage replaces what was set aside.
			must(t, c.signIn(t.Context(), "mail"))
			must(t, os.WriteFile(path, []byte("again"), 0o600))
			must(t, c.signIn(t.Context(), "calendar"))
			if bad, err := os.ReadFile(path + badSuffix); err != nil || string(bad) != "again" {
				t.Errorf("the second damage was not set aside (%v)", err)
			}
			if len(reports) != 2 || len(files(t, dir, func(name string) bool { return strings.HasSuffix(name, badSuffix) })) != 1 {
				t.Errorf("%d reports, want two, and one file set aside", len(reports))
			}
		})
	}
}

func TestDamageFoundByStoringOrListingIsReportedToo(t *testing.T) {
	for name, touch := range map[string]func(*Store) error{
		"Export": func(s *Store) error {
			c := newClient(s.Account("alex"))
			c.edit(func(sections map[string]map[string]any) { addTokens(sections, "calendar") })
			return c.accessor.Export(t.Context(), c, exportHints)
		},
		"Accounts": func(s *Store) error { _, err := s.Accounts(); return err },
	} {
		t.Run(name, func(t *testing.T) {
			var reports []error
			var s *Store
			s, _, path := stored(t, func(err error) {
				reports = append(reports, err)
				// Whoever is told may use the store: no lock is held.
				must(t, newClient(s.Account("alex")).load(t.Context()))
			})
			must(t, os.WriteFile(path, []byte("x"), 0o600))
			must(t, touch(s))
			if len(reports) != 1 || !errors.Is(reports[0], ErrDamaged) {
				t.Errorf("reports: %v", reports)
			}
		})
	}
}

func TestFileOfALaterVersionStaysWhereItIs(t *testing.T) {
	s, _, path := stored(t, nil)
	content, err := os.ReadFile(path)
	must(t, err)
	content[len(magic)] = formatVersion + 1
	must(t, os.WriteFile(path, content, 0o600))
	c := newClient(s.Account("alex"))
	wantError(t, c.signIn(t.Context(), "mail"), errNewer, path)
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, content) {
		t.Errorf("it was touched (%v)", err)
	}
}

func TestFileCopiedOverAnotherAccountsDoesNotOpen(t *testing.T) {
	var reports []error
	s, dir, path := stored(t, func(err error) { reports = append(reports, err) })
	content, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, s.sealer.name("kim")), content, 0o600))
	c := newClient(s.Account("kim"))
	must(t, c.load(t.Context()))
	if len(c.sections) != 0 || len(reports) != 1 {
		t.Errorf("kim has %d sections of alex's, %d reports", len(c.sections), len(reports))
	}
}

func TestWrongKeyIsToldFromDamageAndTouchesNothing(t *testing.T) {
	_, dir, path := stored(t, nil)
	before, err := os.ReadFile(path)
	must(t, err)
	wrong := fixedKey(bytes.ToUpper(theKey))
	open := func() {
		t.Helper()
		s, err := Open(dir, wrong, OnDamaged(func(err error) { t.Errorf("reported: %v", err) }))
		wantError(t, err, ErrWrongKey, dir, "was written with another key", "bring the right key", `run "rm -r `+dir+`"`, "sign in again")
		if s != nil {
			t.Error("there is a store all the same")
		}
	}
	open()
	must(t, os.Remove(filepath.Join(dir, checkName))) // then the accounts tell
	open()
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the account's file was touched (%v)", err)
	}
}

// A process may be running with the old key when the directory is emptied and used with another one.
func TestFilesOfANewKeyAreNotTakenForDamaged(t *testing.T) {
	old, dir, _ := stored(t, nil) // a report fails the test
	must(t, old.RemoveAll())
	s, err := Open(dir, fixedKey(bytes.ToUpper(theKey)))
	must(t, err)
	defer s.Close()
	for _, id := range []string{"alex", "kim"} {
		must(t, newClient(s.Account(id)).signIn(t.Context(), "mail"))
	}
	before := files(t, dir, notLock)
	infos, err := old.Accounts()
	wantError(t, err, ErrWrongKey, dir, "with another key now", "start this program anew")
	if n := strings.Count(err.Error(), ErrWrongKey.Error()); n != 1 || len(infos) > 0 {
		t.Errorf("it is said %d times; there are %v", n, infos)
	}
	if after := files(t, dir, notLock); !slices.Equal(after, before) {
		t.Errorf("there are %v\nwant %v", after, before)
	}
}

func TestNobodyIsToldToRemoveADirectoryWithOtherFiles(t *testing.T) {
	_, dir, _ := stored(t, nil)
	writeAll(t, filepath.Join(dir, "notes.txt"), []byte("x"))
	for _, source := range []KeySource{fixedKey(bytes.ToUpper(theKey)), First()} {
		_, err := Open(dir, source)
		wantError(t, err, ErrWrongKey, dir, "the cache's own files")
		if strings.Contains(err.Error(), "rm -r") {
			t.Error(err)
		}
	}
}

func TestDamagedOrMissingKeyCheckIsMadeAnewWhenTheKeyOpensAnAccount(t *testing.T) {
	_, dir, _ := stored(t, nil)
	check := filepath.Join(dir, checkName)
	for _, spoil := range []func() error{
		func() error { return os.Remove(check) },
		func() error { return os.WriteFile(check, []byte("x"), 0o600) },
	} {
		must(t, spoil())
		openTest(t, dir, nil)
		content, err := os.ReadFile(check)
		if err != nil || len(content) != headerSize+tagSize {
			t.Errorf("the check was not made anew (%v)", err)
		}
	}
}

func TestDamagedKeyCheckWithoutAccountsIsAWrongKey(t *testing.T) {
	dir := newDir(t)
	openTest(t, dir, nil)
	must(t, os.WriteFile(filepath.Join(dir, checkName), []byte("x"), 0o600))
	_, err := Open(dir, fixedKey(theKey))
	wantError(t, err, ErrWrongKey)
}

func TestOversizedCacheIsRefusedAndLeavesWhatWasThere(t *testing.T) {
	s, _, path := stored(t, nil)
	before, err := os.ReadFile(path)
	must(t, err)
	err = newClient(s.Account("alex")).change(t.Context(), func(sections map[string]map[string]any) {
		sections["RefreshToken"]["big"] = strings.Repeat("x", maxFile)
	})
	wantError(t, err, nil, "too much for one account")
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the file was touched (%v)", err)
	}
}

func TestDamageIsLoggedUnlessSomebodyWantsToKnow(t *testing.T) {
	var logged bytes.Buffer
	before := slog.Default()
	defer slog.SetDefault(before)
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, nil)))
	_, dir, path := stored(t, nil)
	writeAll(t, path, []byte("x"))
	s, err := Open(dir, fixedKey(theKey))
	must(t, err)
	defer s.Close()
	must(t, newClient(s.Account("alex")).load(t.Context()))
	if text := logged.String(); !strings.Contains(text, "level=WARN") || strings.Count(text, path) != 1 {
		t.Errorf("logged: %s", text)
	}
}

func TestKeyCheckOfALaterVersionStaysWhereItIs(t *testing.T) {
	_, dir, _ := stored(t, nil)
	check := filepath.Join(dir, checkName)
	content := readAll(t, check)
	content[len(magic)] = formatVersion + 1
	writeAll(t, check, content)
	_, err := Open(dir, fixedKey(theKey))
	wantError(t, err, errNewer, check)
	if !bytes.Equal(readAll(t, check), content) {
		t.Error("it was touched")
	}
}

func TestFailedRenamingLeavesNothingOver(t *testing.T) {
	s, dir, _ := stored(t, nil)
	makeDir(t, filepath.Join(dir, "full", "of"))
	before := files(t, dir, notLock)
	_, err := writeFile(s.root, "full", []byte("x"))
	wantError(t, err, nil, dir, "what was there is unchanged")
	if after := files(t, dir, notLock); !slices.Equal(after, before) {
		t.Errorf("there are %v\nwant %v", after, before)
	}
}
