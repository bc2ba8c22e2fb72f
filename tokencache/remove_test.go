package tokencache

import (
	"fmt"
	"io/fs"
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

// spoil damages the file of an account and has it set aside.
func spoil(t *testing.T, s *Store, id string) (path string) {
	t.Helper()
	must(t, newClient(s.Account(id)).signIn(t.Context(), "mail"))
	path = s.path(s.sealer.name(id))
	writeAll(t, path, []byte("x"))
	if _, err := s.Accounts(); err != nil {
		t.Fatal(err)
	}
	if kept := readAll(t, path+badSuffix); string(kept) != "x" {
		t.Fatal("it was not set aside")
	}
	return path
}

func TestWhatWasSetAsideCanBeRemoved(t *testing.T) {
	dir := newDir(t)
	s := openTest(t, dir, func(error) {})
	must(t, newClient(s.Account("kim")).signIn(t.Context(), "mail"))
	neighbour := ""
	for i := 0; neighbour == "" || lockOf(s.sealer.name(neighbour)) != lockOf(s.sealer.name("alex")); i++ {
		neighbour = fmt.Sprint("neighbour-", i)
	}
	must(t, newClient(s.Account(neighbour)).signIn(t.Context(), "mail"))
	writeAll(t, filepath.Join(dir, "notes.bad"), []byte("x"))
	before := files(t, dir, notLock)

	spoil(t, s, "alex")
	must(t, s.Remove("alex")) // who knows the id
	if left := files(t, dir, notLock); !slices.Equal(left, before) {
		t.Errorf("Remove leaves %v\nwant %v", left, before)
	}

	for _, id := range []string{"alex", "robin"} { // who does not
		spoil(t, s, id)
	}
	must(t, s.RemoveDamaged())
	must(t, s.RemoveDamaged())
	if left := files(t, dir, notLock); !slices.Equal(left, before) {
		t.Errorf("RemoveDamaged leaves %v\nwant %v", left, before)
	}
	if infos, err := s.Accounts(); err != nil || len(infos) != 2 || infos[0].ID != "kim" || infos[1].ID != neighbour {
		t.Errorf("there are %v, %v", infos, err)
	}
}

func TestAllIsRemovedWithoutAKey(t *testing.T) {
	dir := newDir(t)
	wantError(t, RemoveAll(dir), fs.ErrNotExist, dir)
	s := openTest(t, dir, nil)
	leaveTraces(t, s, "alex")
	leaveTraces(t, s, "kim")
	foreign := []string{"notes.txt"}
	writeAll(t, filepath.Join(dir, foreign[0]), []byte("x"))
	locks := files(t, dir, isLock)
	must(t, s.Close())
	for range 2 { // the second time, only the locks tell that it is a cache
		must(t, RemoveAll(dir))
		if left := files(t, dir, notLock); !slices.Equal(left, foreign) {
			t.Errorf("left: %v", left)
		}
	}
	for _, name := range locks {
		if len(readAll(t, filepath.Join(dir, name))) > 0 {
			t.Errorf("%s is not empty", name)
		}
	}
	other, err := Open(dir, fixedKey([]byte(strings.Repeat("k", keySize))))
	must(t, err)
	must(t, other.Close())
}

func TestOnlyACacheIsEmptied(t *testing.T) {
	dir := newDir(t)
	makeDir(t, dir)
	must(t, RemoveAll(dir)) // there is nothing
	for _, name := range []string{"notes.txt", "notes.bad", temporaryPrefix + "x"} {
		writeAll(t, filepath.Join(dir, name), []byte("x"))
	}
	wantError(t, RemoveAll(dir), ErrUnsafe, dir, "holds nothing of a token cache")
	if left := files(t, dir, func(string) bool { return true }); len(left) != 3 {
		t.Errorf("left: %v", left)
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
