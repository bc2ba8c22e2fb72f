package exchange_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
)

// What the front end says is on every answer, what the back-end says on those that it has to do with.
func TestEveryAnswerHasWhatSupportPeopleAskFor(t *testing.T) {
	o := edgeOptions()
	letIn := o.Authenticate
	o.Authenticate = func(w http.ResponseWriter, r *http.Request) (exchange.Account, bool) {
		if r.Header.Get("X-Test-Account") == "stranger" {
			w.WriteHeader(http.StatusUnauthorized)
			return exchange.Account{}, false
		}
		return letIn(w, r)
	}
	e := newEdge(t, o)
	e.s.GrantImpersonation(svc, alex, room)
	e.s.SetAccess(exchange.Access{BlockAgents: []string{"blocked"}})
	if err := e.s.Throttle(exchange.Busy{Mailbox: room, Shape: exchange.BusyStatus}); err != nil {
		t.Fatal(err)
	}
	get := e.request(ask{account: "stranger"}, "")
	get.Method = http.MethodGet
	asked := httptest.NewRecorder()
	if e.s.ServeHTTP(asked, get); asked.Code != http.StatusUnauthorized { // it is how people find out about the schemes
		t.Errorf("a GET of nobody: status %d", asked.Code)
	}
	ids := make(map[string]bool)
	for name, test := range map[string]struct {
		ask     ask
		body    string
		status  int
		backEnd bool
	}{
		"nobody":                     {ask{account: "stranger"}, subscribeInbox, 401, false},
		"a program that is shut out": {ask{header: map[string]string{"User-Agent": "blocked/1"}}, subscribeInbox, 403, false},
		"what is no operation":       {ask{}, "<m:Unknown/>", 500, false},
		"who may not impersonate":    {ask{impersonate: kim}, subscribeInbox, 500, false},
		"who is throttled":           {ask{impersonate: room}, subscribeInbox, 503, true},
		"an operation":               {ask{impersonate: alex}, subscribeInbox, 200, true},
		"a stream":                   {ask{impersonate: alex}, listen("none"), 200, true},
		"a folder of somebody else":  {ask{impersonate: alex}, subscribeKim, 200, true},
	} {
		if test.ask.header == nil {
			test.ask.header = make(map[string]string)
		}
		test.ask.header["client-request-id"], test.ask.header["return-client-request-id"] = "mine", "true"
		r := e.do(test.ask, test.body)
		h := r.Header()
		if id := h.Get("request-id"); r.status != test.status || id == "" || ids[id] || h.Get("client-request-id") != "mine" || h.Get("X-FEServer") == "" {
			t.Errorf("%s: status %d, %v", name, r.status, h)
		}
		ids[h.Get("request-id")] = true
		status := ""
		if test.backEnd {
			status = http.StatusText(test.status)
		}
		got := map[string]string{"200": "OK", "503": "Service Unavailable"}[h.Get("X-BackEndHttpStatus")]
		if got != status || (h.Get("X-BEServer") != "") != test.backEnd || (h.Get("X-DiagInfo") != "") != test.backEnd {
			t.Errorf("%s: %v", name, h)
		}
	}
}
