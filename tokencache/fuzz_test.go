package tokencache

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

// FuzzFile gives the parser a file as anybody may have written it, and as one who has the key may have.
func FuzzFile(f *testing.F) {
	key, err := NewKey(theKey, "the test")
	must(f, err)
	s, err := newSealer(key)
	must(f, err)
	name := s.name("alex")
	good := s.sealRecord(name, record{"alex", []byte(`{"RefreshToken":{"a":{"secret":"x"}}}`)})
	for _, seed := range [][]byte{nil, []byte(magic), []byte(magic + "\x01"), []byte(magic + "\x02"), good, good[:len(good)-1], append(bytes.Clone(good), 0),
		[]byte("\x04alex{}"), []byte("\x04alex"), []byte("\x04ale"), []byte("\x00"), []byte("\x00null"), []byte("\x00[]"), []byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01{}"),
		[]byte("\x80"), []byte("\x01a{\"AccessToken\":{\"x\":{\"expires_on\":\"1\"}}}")} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := s.openRecord(name, data)
		if err != nil && !errors.Is(err, ErrDamaged) && err != errNewer {
			t.Fatalf("a foreign file gives %v", err)
		}
		if err == nil && r.ID != "alex" {
			t.Fatal("a file was forged")
		}
		if r, err = s.openRecord(name, s.seal(name, data)); err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatalf("a sealed file gives %v", err)
			}
			return
		}
		back, err := s.openRecord(name, s.sealRecord(name, r))
		if err != nil || back.ID != r.ID || !equal(back.Cache, r.Cache) {
			t.Fatalf("a record does not survive being stored: %v", err)
		}
		Describe(r.ID, r.Cache)
	})
}

// FuzzMerge checks what must hold for any three caches.
func FuzzMerge(f *testing.F) {
	for _, seed := range []string{`{}`, `{"S":{"a":1}}`, `{"S":{"a":2,"b":1},"T":[]}`, `{"AccessToken":{"x":{"expires_on":"1"}}}`, `{"AccessToken":7}`, `null`} {
		f.Add([]byte(`{}`), []byte(seed), []byte(`{"S":{"a":1,"c":{}}}`))
		f.Add([]byte(seed), []byte(`{"S":{"a":1}}`), []byte(`{}`))
	}
	ever := time.Unix(-1<<40, 0) // nothing has expired
	f.Fuzz(func(t *testing.T, base, ours, theirs []byte) {
		m, err := merge(base, ours, theirs, ever)
		if err != nil {
			return
		}
		if !isObject(m.cache) {
			t.Fatalf("the result is no object: %s", m.cache)
		}
		if m.ours && !equal(m.cache, ours) || m.theirs && !equal(m.cache, theirs) {
			t.Fatalf("the result %s passes for what it is not (%v, %v)", m.cache, m.ours, m.theirs)
		}
		for what, same := range map[string]struct{ base, ours, theirs, want []byte }{
			"ours unchanged":   {base, base, theirs, theirs},
			"theirs unchanged": {base, ours, base, ours},
			"all agree":        {base, ours, ours, ours},
		} {
			got, err := merge(same.base, same.ours, same.theirs, ever)
			if err != nil || !equivalent(got.cache, same.want) {
				t.Fatalf("%s: got %s, %v, want %s", what, got.cache, err, same.want)
			}
		}
	})
}

// equivalent compares caches, an empty section being as good as none.
func equivalent(a, b []byte) bool {
	return equal(withoutEmpty(a), withoutEmpty(b))
}

func withoutEmpty(raw []byte) []byte {
	cache, err := parse(raw)
	if err != nil {
		return raw
	}
	for name, s := range cache {
		if s.entries != nil && len(s.entries) == 0 {
			delete(cache, name)
		}
	}
	return cache.encode()
}
