package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver"
)

// A hunt looks for secrets in everything that came of what was run. Its methods
// may be called from any goroutine.
type hunt struct {
	mu      sync.Mutex
	faults  map[string]bool // those that were run, as "on do"
	secrets map[string]bool
	bytes   int
	hits    int
}

func newHunt() *hunt { return &hunt{faults: map[string]bool{}, secrets: map[string]bool{}} }

// ran notes that a fault has been gone through.
func (h *hunt) ran(fault fakeserver.Fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults[fault.On+" "+fault.Do] = true
}

// trails is what a secret can be known by: its halves, and those as %x writes
// them.
func trails(secrets []string) (all [][]byte) {
	seen := map[string]bool{}
	for _, secret := range secrets {
		half := min(len(secret)/2, 40)
		halves := []string{secret[len(secret)-half:]}
		if !strings.HasPrefix(secret, "eyJ") { // else it begins as every token does
			halves = append(halves, secret[:half])
		}
		for _, text := range halves {
			for _, form := range []string{text, hex.EncodeToString([]byte(text))} {
				if !seen[form] {
					seen[form] = true
					all = append(all, []byte(form))
				}
			}
		}
	}
	return all
}

// search looks through texts, by what they are, for the secrets that a fake has
// issued.
func (h *hunt) search(t *testing.T, f *fake, texts map[string][]byte, others ...string) {
	t.Helper()
	secrets := append(f.SignIn().Secrets(), others...)
	if len(secrets) < 2 || len(texts) == 0 {
		t.Fatalf("%d secrets to look for in %d texts", len(secrets), len(texts))
	}
	all := trails(secrets)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, secret := range secrets {
		h.secrets[secret] = true
	}
	for where, text := range texts {
		h.bytes += len(text)
		for _, trail := range all {
			if bytes.Contains(text, trail) || strings.Contains(where, string(trail)) {
				h.hits++
				t.Errorf("%s shows a secret that begins with %.6q", where, trail)
				break
			}
		}
	}
}

// filesBelow reads every file.
func filesBelow(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	texts := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		texts[path], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// whatTheFakeTells is what its control API has to say.
func whatTheFakeTells(t *testing.T, f *fake) map[string][]byte {
	t.Helper()
	client := f.endpoint.Client("h2")
	defer client.CloseIdleConnections()
	texts := map[string][]byte{}
	for _, what := range []string{"requests", "grants", "ledger", "subscriptions", "codes", "streams"} {
		texts["/_fake/"+what] = []byte(get(t, client, f.endpoint.URL+"/_fake/"+what))
	}
	return texts
}

// faultsThereAre is every fault of the fake's table: what it can be on, and do.
// The table is told by the error that an unknown one gets.
func faultsThereAre(t *testing.T) map[string][]string {
	t.Helper()
	err := fakeserver.New(nil).Arm(fakeserver.Fault{On: "stream", Do: "?"})
	_, list, found := strings.Cut(fmt.Sprint(err), "there are ")
	if !found {
		t.Fatalf("the fake does not say which faults there are: %v", err)
	}
	all := map[string][]string{}
	for part := range strings.SplitSeq(list, "; ") {
		on, dos, _ := strings.Cut(part, ": ")
		all[on] = strings.Fields(dos)
	}
	if len(all) < 7 || len(all["stream"]) < 20 {
		t.Fatalf("there are only %v", all)
	}
	return all
}

// inEveryForm is how somebody may print a value: every verb, and along the chain
// of an error.
func inEveryForm(values ...any) []byte {
	var b bytes.Buffer
	var unfold func(v any)
	unfold = func(v any) {
		fmt.Fprintf(&b, "%v %+v %#v %q %x\n", v, v, v, v, v)
		err, ok := v.(error)
		if !ok {
			return
		}
		b.WriteString(err.Error())
		if many, ok := err.(interface{ Unwrap() []error }); ok {
			for _, one := range many.Unwrap() {
				unfold(one)
			}
		} else if inner := errors.Unwrap(err); inner != nil {
			unfold(inner)
		}
	}
	for _, v := range values {
		unfold(v)
	}
	return b.Bytes()
}
