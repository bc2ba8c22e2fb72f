package tokencache

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"
)

// plain is a client that has the cache as bytes and does not look into them.
type plain struct {
	content []byte
	loads   int
}

func (p *plain) Marshal() ([]byte, error) { return p.content, nil }
func (p *plain) Unmarshal(b []byte) error { p.content = b; p.loads++; return nil }
func replace(t *testing.T, a cache.ExportReplace, p *plain) {
	t.Helper()
	must(t, a.Replace(t.Context(), p, cache.ReplaceHints{}))
}

func export(t *testing.T, a cache.ExportReplace, p *plain, content string) {
	t.Helper()
	p.content = []byte(content)
	must(t, a.Export(t.Context(), p, cache.ExportHints{}))
}

// wantStored checks what somebody else finds.
func wantStored(t *testing.T, s *Store, id, want string) {
	t.Helper()
	var other plain
	replace(t, s.Account(id), &other)
	if !equal(other.content, []byte(want)) {
		t.Errorf("stored: %s\nwant %s", other.content, want)
	}
}

func TestAnyClientThatKeepsBytesWill(t *testing.T) {
	s := openTest(t, newDir(t), nil)
	a, p := s.Account("alex"), new(plain)
	replace(t, a, p)
	if string(p.content) != "{}" {
		t.Errorf("the empty cache is %s", p.content)
	}
	export(t, a, p, `{"RefreshToken":{"a":{"secret":"1"},"b":{"secret":"2"}},"Account":{"a":{"username":"alex"}}}`)
	replace(t, a, p)
	replace(t, a, p)
	if p.loads != 1 {
		t.Errorf("an unchanged file was loaded %d times", p.loads-1)
	}

	// Whatever is exported takes the place of what was loaded.
	const other = `{"RefreshToken":{"c":{"secret":"3"}},"IdToken":{"x":{}}}`
	export(t, a, p, other)
	wantStored(t, s, "alex", other)
	export(t, a, p, `{}`)
	wantStored(t, s, "alex", `{}`)

	// It does for a fresh accessor, too, if that has loaded.
	export(t, a, p, `{"RefreshToken":{"a":{}}}`)
	b, q := s.Account("alex"), new(plain)
	replace(t, b, q)
	export(t, b, q, other)
	wantStored(t, s, "alex", other)
	replace(t, a, p)
	if !equal(p.content, []byte(other)) {
		t.Errorf("the first client has %s", p.content)
	}
}

func TestClientMayWriteOverTheBytesItHas(t *testing.T) {
	s, _, _ := stored(t, nil)
	a, p := s.Account("alex"), new(plain)
	replace(t, a, p)
	clear(p.content)
	const content = `{"RefreshToken":{"c":{"secret":"3"}}}`
	export(t, a, p, content)
	clear(p.content)
	wantStored(t, s, "alex", content)
	export(t, a, p, `{}`)
	wantStored(t, s, "alex", `{}`)
}

func TestClientHasToBeAPointer(t *testing.T) {
	a := openTest(t, newDir(t), nil).Account("alex")
	wantError(t, a.Export(t.Context(), values{}, cache.ExportHints{}), errNoPointer)
}

type values map[string]string

func (values) Marshal() ([]byte, error) { return nil, nil }

// Whatever keeps it from being stored: the client goes on, and it is stored as soon as that works.
func TestNothingIsLostWhenStoringFails(t *testing.T) {
	s, _, _ := stored(t, nil)
	busy, err := lock(t.Context(), s.root, lockOf(s.sealer.name("alex")))
	must(t, err)
	over, cancel := context.WithCancel(t.Context())
	cancel()

	c := newClient(s.Account("alex"))
	wantError(t, c.signIn(over, "too-early"), context.Canceled)
	must(t, c.load(t.Context()))
	c.edit(func(sections map[string]map[string]any) { addTokens(sections, "unsaved") })
	wantError(t, c.accessor.Export(over, c, exportHints), context.Canceled)
	must(t, c.load(t.Context())) // the file is what it was: no reason to load it
	if c.has("RefreshToken")["key-unsaved"] == nil {
		t.Fatal("the client has lost the token")
	}
	busy()

	// Others store something, and the client has to load it, without losing its own.
	must(t, newClient(s.Account("alex")).signIn(t.Context(), "others"))
	for range 2 {
		must(t, c.load(t.Context()))
		for _, scope := range []string{"mail", "others", "unsaved"} {
			if c.has("RefreshToken")["key-"+scope] == nil {
				t.Errorf("the client has lost the token for %s", scope)
			}
		}
		must(t, newClient(s.Account("alex")).signIn(t.Context(), "more"))
	}
	if again := newClient(s.Account("alex")); again.load(t.Context()) != nil || again.has("RefreshToken")["key-unsaved"] != nil {
		t.Error("it was stored by loading")
	}

	must(t, c.accessor.Export(t.Context(), c, exportHints))
	again := newClient(s.Account("alex"))
	must(t, again.load(t.Context()))
	if n := len(again.has("RefreshToken")); n != 4 {
		t.Errorf("%d of 4 tokens are stored", n)
	}
}

// The disk was full when this process renewed, and the account has signed in anew in another one since: the old tokens are dead.
func TestWhatIsStoredLateDoesNotReplaceANewSignIn(t *testing.T) {
	const (
		start   = `{"RefreshToken":{"a":{"secret":"rt-0"},"b":{"secret":"rt-0"}}}`
		renewed = `{"RefreshToken":{"a":{"secret":"rt-1"},"b":{"secret":"rt-0"}},"AccessToken":{"x":{"secret":"at-1"}}}`
		anew    = `{"RefreshToken":{"a":{"secret":"rt-2"},"b":{"secret":"rt-0"}}}`
		both    = `{"RefreshToken":{"a":{"secret":"rt-2"},"b":{"secret":"rt-0"}},"AccessToken":{"x":{"secret":"at-1"}}}`

		// What this process has renewed once more after it could not store is later than the sign-in, though.
		again      = `{"RefreshToken":{"a":{"secret":"rt-1"},"b":{"secret":"rt-3"}},"AccessToken":{"x":{"secret":"at-1"}}}`
		anewOfBoth = `{"RefreshToken":{"a":{"secret":"rt-2"},"b":{"secret":"rt-2"}}}`
		bothAgain  = `{"RefreshToken":{"a":{"secret":"rt-2"},"b":{"secret":"rt-3"}},"AccessToken":{"x":{"secret":"at-1"}}}`
	)
	for name, c := range map[string]struct {
		signIn, exported, want string
		load                   bool
	}{
		"stored again":                      {anew, renewed, both, false},
		"stored again in other words":       {anew, strings.ReplaceAll(renewed, ":", ": "), both, false},
		"loaded, and stored":                {anew, both, both, true},
		"renewed once more in the meantime": {anewOfBoth, again, bothAgain, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := openTest(t, newDir(t), nil)
			b, q := s.Account("alex"), new(plain)
			replace(t, b, q)
			export(t, b, q, start)
			a, p := s.Account("alex"), new(plain)
			replace(t, a, p)
			busy, err := lock(t.Context(), s.root, lockOf(s.sealer.name("alex")))
			must(t, err)
			over, cancel := context.WithCancel(t.Context())
			cancel()
			p.content = []byte(renewed)
			wantError(t, a.Export(over, p, exportHints), context.Canceled)
			busy()
			export(t, b, q, c.signIn)
			if c.load {
				replace(t, a, p)
				if !equal(p.content, []byte(c.want)) {
					t.Errorf("loaded: %s\nwant %s", p.content, c.want)
				}
			}
			export(t, a, p, c.exported)
			wantStored(t, s, "alex", c.want)
			replace(t, a, p)
			if !equal(p.content, []byte(c.want)) {
				t.Errorf("the client has %s\nwant %s", p.content, c.want)
			}
		})
	}
}

// Signing out wins over what was not stored.
func TestUnsavedTokensAreForgottenWhenTheAccountIsRemoved(t *testing.T) {
	s, _, _ := stored(t, nil)
	c := newClient(s.Account("alex"))
	must(t, c.load(t.Context()))
	c.edit(func(sections map[string]map[string]any) { addTokens(sections, "unsaved") })
	busy, err := lock(t.Context(), s.root, lockOf(s.sealer.name("alex")))
	must(t, err)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, c.accessor.Export(over, c, exportHints), context.Canceled)
	busy()
	must(t, s.Remove("alex"))
	must(t, c.load(t.Context()))
	if n := len(c.has("RefreshToken")); n != 0 {
		t.Errorf("the client still has %d tokens", n)
	}
	must(t, c.signIn(t.Context(), "new"))
	if got := c.has("RefreshToken"); len(got) != 1 {
		t.Errorf("%d tokens, want the new one", len(got))
	}
}

// The authority has answered while the file was damaged: then the client has all that there is.
func TestStoringOverADamagedFileStoresAllThatTheClientHas(t *testing.T) {
	reports := 0
	s, _, path := stored(t, func(error) { reports++ })
	c := newClient(s.Account("alex"))
	must(t, c.load(t.Context()))
	c.edit(func(sections map[string]map[string]any) { addTokens(sections, "new") })
	writeAll(t, path, []byte("x"))
	must(t, c.accessor.Export(t.Context(), c, exportHints))
	again := newClient(s.Account("alex"))
	must(t, again.load(t.Context()))
	if n := len(again.has("RefreshToken")); n != 2 || len(again.has("Account")) != 1 || reports != 1 {
		t.Errorf("%d of 2 tokens are stored, %d accounts, %d reports", n, len(again.has("Account")), reports)
	}
}

// broken is an MSAL whose cache cannot be read, or written.
type broken struct{ out []byte }

func (b *broken) Marshal() ([]byte, error) {
	if b.out == nil {
		return nil, errors.New("secret-at-1")
	}
	return b.out, nil
}

func (b *broken) Unmarshal([]byte) error { return errors.New("secret-at-1") }

func TestErrorsOfMSALAreNotPassedOn(t *testing.T) {
	s := openTest(t, newDir(t), nil)
	b := new(broken)
	a := s.Account("alex")
	wantError(t, a.Replace(t.Context(), b, cache.ReplaceHints{}), errRefused)
	wantError(t, a.Export(t.Context(), b, cache.ExportHints{}), errMarshal)
	b.out = []byte(`{"AccessToken":{"secret-at-1":`)
	wantError(t, a.Export(t.Context(), b, cache.ExportHints{}), errNotJSON)
}
