package autodiscover

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The mailboxes of these tests.
const (
	alex    = "alex@contoso.test"
	moved   = "moved@contoso.test"
	renamed = "renamed@contoso.test"
	broken  = "broken@contoso.test"
	old     = "old@contoso.test"
	nobody  = "nobody@contoso.test"
)

type fixture struct {
	t     *testing.T
	table *Table
	s     *Server
}

func newFixture(t *testing.T, opts Options) *fixture {
	table := new(Table)
	table.Set(alex, Entry{Grouping: "VE1PR03", DisplayName: "Alex & Wilber"})
	table.Set(moved, Entry{RedirectURL: "https://other.fake.test"})
	table.Set(renamed, Entry{RedirectAddress: "Alex@contoso.test"})
	table.Set(broken, Entry{ErrorCode: "ServerBusy"})
	table.Set(old, Entry{EWSURL: "https://mail.contoso.test/EWS/Exchange.asmx"})
	opts.Directory = table
	return &fixture{t, table, New(opts)}
}

func (f *fixture) ask(method, target, body string, header ...string) *httptest.ResponseRecorder {
	f.t.Helper()
	r := httptest.NewRequestWithContext(f.t.Context(), method, "https://mail.fake.test"+target, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	f.s.ServeHTTP(w, r)
	return w
}

// wantIn checks that a document has these pieces.
func (f *fixture) wantIn(w *httptest.ResponseRecorder, status int, pieces ...string) {
	f.t.Helper()
	if w.Code != status {
		f.t.Fatalf("status %d, want %d: %s", w.Code, status, w.Body)
	}
	for _, piece := range pieces {
		if !strings.Contains(w.Body.String(), piece) {
			f.t.Errorf("there is no %s in %s", piece, w.Body)
		}
	}
}

// knock is an Authenticate that wants a name.
func knock(w http.ResponseWriter, r *http.Request) bool {
	if _, _, ok := r.BasicAuth(); ok {
		return true
	}
	w.WriteHeader(http.StatusUnauthorized)
	return false
}
