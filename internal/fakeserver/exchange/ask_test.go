package exchange

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const alex = "alex@contoso.test"

// ask sends a hand-written request, with the prefixes m and t, straight to the handler.
func ask(t *testing.T, s *Server, operation string) (status int, body *node) {
	t.Helper()
	document := `<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:soap="` + nsSoap + `" xmlns:m="` + nsMessages + `" xmlns:t="` + nsTypes + `">
 <soap:Header><t:RequestServerVersion Version="Exchange2013_SP1"/></soap:Header>
 <soap:Body>` + operation + `</soap:Body>
</soap:Envelope>`
	r := httptest.NewRequest(http.MethodPost, "https://outlook.fake.test"+Path, strings.NewReader(document))
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	root, err := parse(w.Body.Bytes())
	if err != nil {
		t.Fatalf("an answer that is no XML: %v\n%s", err, w.Body)
	}
	if body = root.child(nsSoap, "Body"); body == nil || len(body.children) != 1 {
		t.Fatalf("an answer without a body: %s", w.Body)
	}
	return w.Code, body.children[0]
}

// messagesOf sends a request and returns its response messages.
func messagesOf(t *testing.T, s *Server, operation string) []*node {
	t.Helper()
	status, answer := ask(t, s, operation)
	all := answer.child(nsMessages, "ResponseMessages").all()
	if status != http.StatusOK || len(all) == 0 {
		t.Fatalf("status %d: %s", status, answer.raw)
	}
	return all
}

// messageOf is for requests that have one, which has to have gone well.
func messageOf(t *testing.T, s *Server, operation string) *node {
	t.Helper()
	all := messagesOf(t, s, operation)
	if code := all[0].child(nsMessages, "ResponseCode").value(); len(all) != 1 || code != codeNoError {
		t.Fatalf("%d messages, the first with %s; want one with NoError", len(all), code)
	}
	return all[0]
}

// refusedWith checks the one response message of a request that fails.
func refusedWith(t *testing.T, s *Server, operation, code string) *node {
	t.Helper()
	m := messagesOf(t, s, operation)[0]
	class, _ := m.attr("ResponseClass")
	if got := m.child(nsMessages, "ResponseCode").value(); got != code || class != "Error" {
		t.Fatalf("class %s, code %s; want Error, %s", class, got, code)
	}
	return m
}

// names are the local names of children, in order.
func names(n *node) string {
	var all []string
	for _, c := range n.all() {
		all = append(all, c.name.Local)
	}
	return strings.Join(all, " ")
}

// made makes changes of one kind to items of a folder of alex's.
func made(t *testing.T, s *Server, kind Kind, folder string, ids ...string) {
	t.Helper()
	for _, id := range ids {
		changed(t, s, Change{Kind: kind, Folder: Folder{Name: folder}, ID: id, Data: propertiesOf(t, fmt.Sprintf(`{"Subject":"about %s"}`, id))})
	}
}

func changed(t *testing.T, s *Server, c Change) {
	t.Helper()
	c.Mailbox = alex
	c.Version = max(c.Version, 1)
	if err := s.Change(c); err != nil {
		t.Fatal(err)
	}
}

func propertiesOf(t *testing.T, object string) (p Properties) {
	t.Helper()
	if err := json.Unmarshal([]byte(object), &p); err != nil {
		t.Fatal(err)
	}
	return p
}
