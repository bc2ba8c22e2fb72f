package tokencache

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestRemoveIsSeenByARunningClient(t *testing.T) {
	s := openTest(t, newDir(t), nil)
	c := newClient(s.Account("alex"))
	must(t, c.signIn(t.Context(), "mail"))
	must(t, s.Remove("alex"))
	must(t, c.load(t.Context()))
	if len(c.has("RefreshToken")) != 0 {
		t.Error("the client still has the token")
	}
}

// A renewal may be under way in another process when somebody signs out: what it brings must not sign the account in again.
func TestWhatWasLoadedBeforeARemovalIsNotStoredAfterIt(t *testing.T) {
	s, dir, path := stored(t, nil)
	c := newClient(s.Account("alex"))
	must(t, c.load(t.Context()))
	c.edit(func(sections map[string]map[string]any) { addTokens(sections, "renewed") })
	must(t, s.Remove("alex"))
	for range 2 {
		must(t, c.accessor.Export(t.Context(), c, exportHints))
		if left := files(t, dir, func(name string) bool { return name == filepath.Base(path) }); len(left) > 0 {
			t.Fatal("the account is back")
		}
	}
	// A new sign-in begins with loading what there is, and is stored.
	must(t, c.signIn(t.Context(), "again"))
	again := newClient(s.Account("alex"))
	must(t, again.load(t.Context()))
	if got := again.has("RefreshToken"); len(got) != 1 || got["key-again"] == nil {
		t.Errorf("%d tokens, want that of the new sign-in", len(got))
	}
}

// leaveTraces leaves, beside an account's file, all that there can be of it.
func leaveTraces(t *testing.T, s *Store, id string) {
	t.Helper()
	name := s.sealer.name(id)
	must(t, newClient(s.Account(id)).signIn(t.Context(), "mail"))
	for _, trace := range []string{name + badSuffix, temporaryPrefix + name + "-abc", temporaryPrefix + name + "-def"} {
		writeAll(t, filepath.Join(s.Dir(), trace), []byte("x"))
	}
}

func TestRemoveLeavesNoTraceOfTheAccount(t *testing.T) {
	dir := newDir(t)
	s := openTest(t, dir, nil)
	leaveTraces(t, s, "kim")
	others := files(t, dir, notLock)
	leaveTraces(t, s, "alex")
	must(t, s.Remove("alex"))
	if left := files(t, dir, notLock); !slices.Equal(left, others) {
		t.Errorf("left: %v\nwant %v", left, others)
	}
}

func TestRemoveAllLeavesTheLocksAndWhatIsNotTheStores(t *testing.T) {
	dir := newDir(t)
	s := openTest(t, dir, nil)
	for _, id := range []string{"kim", "alex", "robin"} {
		leaveTraces(t, s, id)
		release, err := s.Exclusive(t.Context(), id)
		must(t, err)
		release()
	}
	writeAll(t, filepath.Join(dir, temporaryPrefix+checkName+"-abc"), []byte("x"))
	foreign := []string{temporaryPrefix + "foreign", "notes.bad", "notes.txt"}
	for _, name := range foreign {
		writeAll(t, filepath.Join(dir, name), []byte("x"))
	}
	must(t, s.RemoveAll())
	if left := files(t, dir, notLock); !slices.Equal(left, foreign) {
		t.Errorf("left: %v\nwant %v", left, foreign)
	}
	for _, name := range files(t, dir, func(name string) bool { return !notLock(name) }) {
		if content := readAll(t, filepath.Join(dir, name)); len(content) > 0 {
			t.Errorf("%s is not empty", name)
		}
	}
	must(t, s.RemoveAll())

	// It can be used on, and opened with any key.
	other, err := Open(dir, fixedKey([]byte(strings.Repeat("k", keySize))))
	must(t, err)
	must(t, other.RemoveAll())
	must(t, other.Close())
	must(t, newClient(s.Account("alex")).signIn(t.Context(), "mail"))
	if infos, err := openTest(t, dir, nil).Accounts(); err != nil || len(infos) != 1 {
		t.Errorf("%d accounts, %v", len(infos), err)
	}
}

func TestRemoveSaysWhatItCouldNotRemoveAndRemovesTheRest(t *testing.T) {
	s, dir, path := stored(t, nil)
	makeDir(t, filepath.Join(path+badSuffix, "full"))
	wantError(t, s.Remove("alex"), nil, filepath.Base(path)+badSuffix)
	wantError(t, s.RemoveAll(), nil, filepath.Base(path)+badSuffix)
	if left := files(t, dir, notLock); !slices.Equal(left, []string{filepath.Base(path) + badSuffix}) {
		t.Errorf("left: %v", left)
	}
}
