//go:build realdisk && linux

package diskfull

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"

	"github.com/calwatch/calwatch/tokencache"
)

// client stands for an MSAL client: what it has in memory.
type client struct{ content []byte }

func (c *client) Marshal() ([]byte, error) { return c.content, nil }

func (c *client) Unmarshal(b []byte) error {
	c.content = bytes.Clone(b)
	return nil
}

// signIn has the client come by a token. They are long, so that an account does
// not fit into a page.
func (c *client) signIn(name string) {
	sections := map[string]map[string]any{}
	_ = json.Unmarshal(c.content, &sections) // none: the first one
	if sections["RefreshToken"] == nil {
		sections["RefreshToken"] = map[string]any{}
	}
	sections["RefreshToken"][name] = map[string]any{"secret": "secret-" + strings.Repeat(name, 6000/len(name))}
	c.content, _ = json.Marshal(sections) // maps of strings
}

// has says which tokens the client has.
func (c *client) has(name string) bool { return bytes.Contains(c.content, []byte(`"secret-`+name)) }

// store opens a store on the disk, with its key on the disk, too.
func (d *disk) store() (*tokencache.Store, error) {
	s, err := tokencache.Open(d.path("cache"), tokencache.NewKeyFile(d.path("config", "cache.key")),
		tokencache.OnDamaged(func(err error) { d.t.Error(err) }))
	if err == nil {
		d.t.Cleanup(func() { _ = s.Close() })
	}
	return s, err
}

func (d *disk) mustStore() *tokencache.Store {
	d.t.Helper()
	s, err := d.store()
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}

// stored returns what a program that is started now finds of an account.
func (d *disk) stored(id string) *client {
	d.t.Helper()
	s, err := tokencache.Open(d.path("cache"), tokencache.KeyFile(d.path("config", "cache.key")), tokencache.ExistingOnly())
	if err != nil {
		d.t.Fatalf("what was stored cannot be opened: %v", err)
	}
	defer s.Close()
	c := &client{content: []byte("{}")}
	if err := s.Account(id).Replace(context.Background(), c, cache.ReplaceHints{}); err != nil {
		sum.losing()
		d.t.Fatalf("what was stored cannot be read: %v", err)
	}
	return c
}

// inEveryTrouble runs a test with a disk for each.
func inEveryTrouble(t *testing.T, test func(t *testing.T, d *disk, what trouble)) {
	t.Helper()
	for _, what := range troubles {
		t.Run(what.name, func(t *testing.T) {
			t.Parallel()
			test(t, newDisk(t), what)
		})
	}
}

func TestAStoreThatCannotBeMadeIsMadeWhenThereIsRoom(t *testing.T) {
	inEveryTrouble(t, func(t *testing.T, d *disk, what trouble) {
		if what.name == "a page is left" {
			return // that is enough for the key, or the key check: both are small
		}
		what.begin(d)
		_, err := d.store()
		sum.tried("key file")
		explained(t, err, what.errno, d.dir)
		d.unchanged(map[string]string{})
		what.end(d)
		d.mustStore()
	})
}

func TestAKeyThatCannotBeMadeLeavesNoHalfKey(t *testing.T) {
	inEveryTrouble(t, func(t *testing.T, d *disk, what trouble) {
		if what.name == "a page is left" {
			return
		}
		if err := os.Mkdir(d.path("config"), 0o700); err != nil {
			t.Fatal(err)
		}
		what.begin(d)
		_, err := tokencache.Open(filepath.Join(t.TempDir(), "cache"), tokencache.NewKeyFile(d.path("config", "cache.key")))
		sum.tried("key file")
		explained(t, err, what.errno, d.path("config"))
		d.unchanged(map[string]string{})
		what.end(d)
		d.mustStore()
	})
}

func TestAStoreWithoutItsKeyCheckIsMadeWhenThereIsRoom(t *testing.T) {
	inEveryTrouble(t, func(t *testing.T, d *disk, what trouble) {
		if what.name == "a page is left" {
			return
		}
		if s, err := tokencache.Open(filepath.Join(t.TempDir(), "cache"), tokencache.NewKeyFile(d.path("config", "cache.key"))); err != nil {
			t.Fatal(err)
		} else {
			_ = s.Close()
		}
		before := d.state()
		what.begin(d)
		_, err := d.store()
		sum.tried("key check")
		explained(t, err, what.errno, d.path("cache"))
		d.unchanged(before)
		what.end(d)
		d.mustStore()
	})
}

// The first account, and one that is there already and gets new tokens.
func TestTokensThatCannotBeStoredAreKeptAndTheOldOnesToo(t *testing.T) {
	for _, old := range []string{"", "old"} {
		t.Run(fmt.Sprintf("before: %q", old), func(t *testing.T) {
			inEveryTrouble(t, func(t *testing.T, d *disk, what trouble) {
				s := d.mustStore()
				c := &client{content: []byte("{}")}
				account := s.Account("alex")
				if old != "" {
					c.signIn(old)
					if err := account.Export(t.Context(), c, cache.ExportHints{}); err != nil {
						t.Fatal(err)
					}
				}
				before := d.state()
				what.begin(d)
				for i := range 3 {
					c.signIn(fmt.Sprint("new", i))
					err := account.Export(t.Context(), c, cache.ExportHints{})
					sum.tried("account")
					explained(t, err, what.errno, d.path("cache"))
					d.unchanged(before)
					if err := account.Replace(t.Context(), c, cache.ReplaceHints{}); err != nil || !c.has(fmt.Sprint("new", i)) {
						sum.losing()
						t.Errorf("the client has lost its token (%v)", err)
					}
					if old != "" && !d.stored("alex").has(old) {
						sum.losing()
						t.Error("the old token is lost")
					}
				}
				what.end(d)
				if err := account.Export(t.Context(), c, cache.ExportHints{}); err != nil {
					t.Fatalf("there is room, and still: %v", err)
				}
				got := d.stored("alex")
				for _, name := range []string{old, "new0", "new1", "new2"} {
					if name != "" && !got.has(name) {
						sum.losing()
						t.Errorf("token %q was not stored", name)
					}
				}
			})
		})
	}
}

func TestAnAccountCanBeRemovedFromAFullDiskAndStaysOnAReadOnlyOne(t *testing.T) {
	for name, remove := range map[string]func(*tokencache.Store, string) error{
		"one":            func(s *tokencache.Store, _ string) error { return s.Remove("alex") },
		"all":            func(s *tokencache.Store, _ string) error { return s.RemoveAll() },
		"all, by no key": func(_ *tokencache.Store, dir string) error { return tokencache.RemoveAll(dir) },
	} {
		t.Run(name, func(t *testing.T) {
			inEveryTrouble(t, func(t *testing.T, d *disk, what trouble) {
				s := d.mustStore()
				c := &client{content: []byte("{}")}
				c.signIn("old")
				if err := s.Account("alex").Export(t.Context(), c, cache.ExportHints{}); err != nil {
					t.Fatal(err)
				}
				before := d.state()
				what.begin(d)
				err := remove(s, d.path("cache"))
				sum.tried("account")
				if what.name == "it is read-only" {
					explained(t, err, what.errno, d.path("cache"))
					d.unchanged(before)
				} else if err != nil {
					t.Errorf("removing needs no room: %v", err)
				}
				what.end(d)
				if err := remove(s, d.path("cache")); err != nil {
					t.Errorf("there is room, and still: %v", err)
				}
				if len(d.state()) > 2 { // the key, and the key check unless all is gone
					t.Errorf("left: %d files", len(d.state()))
				}
			})
		})
	}
}

func TestARenewalNeedsARoomForItsLockOnlyOnce(t *testing.T) {
	inEveryTrouble(t, func(t *testing.T, d *disk, what trouble) {
		s := d.mustStore()
		what.begin(d)
		release, err := s.Exclusive(t.Context(), "alex")
		sum.tried("lock")
		if err == nil {
			release() // an empty file needs no page
		} else {
			explained(t, err, what.errno, d.path("cache"))
		}
		what.end(d)
		release, err = s.Exclusive(t.Context(), "alex")
		if err != nil {
			t.Fatalf("there is room, and still: %v", err)
		}
		release()
	})
}

// A directory that is gone is not made anew by a store that has it open: whoever
// removed it may have meant it.
func TestADirectoryThatIsRemovedIsAnErrorUntilItIsOpenedAgain(t *testing.T) {
	d := newDisk(t)
	s := d.mustStore()
	c := &client{content: []byte("{}")}
	account := s.Account("alex")
	if err := os.RemoveAll(d.path("cache")); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		c.signIn(fmt.Sprint("new", i))
		explained(t, account.Export(t.Context(), c, cache.ExportHints{}), syscall.ENOENT, d.path("cache"))
		sum.tried("account")
	}
	if _, err := os.Lstat(d.path("cache")); err == nil {
		t.Error("it was made anew")
	}
	if !c.has("new0") || !c.has("new1") {
		sum.losing()
		t.Error("the client has lost its tokens")
	}
	if err := d.mustStore().Account("alex").Export(t.Context(), c, cache.ExportHints{}); err != nil || !d.stored("alex").has("new1") {
		t.Errorf("it was opened again, and still: %v", err)
	}
}
