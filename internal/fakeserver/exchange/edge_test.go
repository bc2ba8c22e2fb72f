package exchange_test

import (
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
)

// The world of these tests: two groupings, one of them with two servers.
const (
	one   = "ve1pr03mb0001.fake.test"
	two   = "ve1pr03mb0002.fake.test"
	other = "am0pr01mb0001.fake.test"

	kim  = "kim@contoso.test"
	room = "room@contoso.test"
	svc  = "svc@contoso.test" // a service account without a mailbox
	app  = "app"
)

func edgeOptions() *exchange.Options {
	return &exchange.Options{
		BackEnds: []exchange.BackEnd{{Name: one, Grouping: "VE1PR03"}, {Name: two, Grouping: "VE1PR03"}, {Name: other, Grouping: "AM0PR01"}},
		Mailboxes: []exchange.Mailbox{
			{Address: alex, Name: "Alex", BackEnd: one}, {Address: kim, Name: "Kim", BackEnd: two}, {Address: room, Name: "Room", BackEnd: other},
		},
		Authenticate: func(_ http.ResponseWriter, r *http.Request) (exchange.Account, bool) {
			name := r.Header.Get("X-Test-Account")
			account := exchange.Account{Name: name, Address: name}
			if name == app {
				account.Address, account.App = "", "11111111-2222-3333-4444-555555555555"
			}
			return account, true
		},
	}
}

type edge struct {
	t *testing.T
	s *exchange.Server
}

func newEdge(t *testing.T, opts *exchange.Options) *edge {
	t.Helper()
	if opts == nil {
		opts = edgeOptions()
	}
	e := &edge{t, exchange.New(opts)}
	t.Cleanup(func() {
		if err := e.s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return e
}

// ask is a request of somebody. Its cookies are what it was told so far.
type ask struct {
	account     string // default svc
	impersonate string
	anchor      string
	affinity    bool
	cookies     []*http.Cookie
	header      map[string]string
	host        string
}

// reply is what came of it.
type reply struct {
	*httptest.ResponseRecorder
	status  int
	code    string // the first ResponseCode
	id      string // the first SubscriptionId
	backOff string
	fault   bool
}

const edgeEnvelope = `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">` +
	`<soap:Header><t:RequestServerVersion Version="Exchange2013_SP1"/>IMPERSONATION</soap:Header><soap:Body>BODY</soap:Body></soap:Envelope>`

func (e *edge) request(a ask, body string) *http.Request {
	e.t.Helper()
	impersonation := ""
	if a.impersonate != "" {
		impersonation = "<t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>" + a.impersonate + "</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>"
	}
	text := strings.NewReplacer("IMPERSONATION", impersonation, "BODY", body).Replace(edgeEnvelope)
	if a.host == "" {
		a.host = "mail.fake.test"
	}
	r := httptest.NewRequestWithContext(e.t.Context(), http.MethodPost, "https://"+a.host+"/EWS/Exchange.asmx", strings.NewReader(text))
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	if a.account == "" {
		a.account = svc
	}
	r.Header.Set("X-Test-Account", a.account)
	if a.anchor != "" {
		r.Header.Set("X-AnchorMailbox", a.anchor)
	}
	if a.affinity {
		r.Header.Set("X-PreferServerAffinity", "true")
	}
	for _, cookie := range a.cookies {
		r.AddCookie(cookie)
	}
	for name, value := range a.header {
		r.Header.Set(name, value)
	}
	return r
}

func (e *edge) do(a ask, body string) reply {
	e.t.Helper()
	w := httptest.NewRecorder()
	func() {
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler {
				panic(p)
			}
		}()
		e.s.ServeHTTP(w, e.request(a, body))
	}()
	return e.read(w)
}

var (
	codePattern    = regexp.MustCompile(`ResponseCode[^>]*>\s*([^<\s]*)`)
	idPattern      = regexp.MustCompile(`SubscriptionId[^>s]*>([^<]+)<`)
	backOffPattern = regexp.MustCompile(`<t:Value Name="BackOffMilliseconds">(\d+)<`)
)

func (e *edge) read(w *httptest.ResponseRecorder) reply {
	e.t.Helper()
	r := reply{ResponseRecorder: w, status: w.Code}
	text := w.Body.String()
	first := func(pattern *regexp.Regexp) string {
		if found := pattern.FindStringSubmatch(text); found != nil {
			return found[1]
		}
		return ""
	}
	r.code, r.id, r.backOff = first(codePattern), first(idPattern), first(backOffPattern)
	r.fault = strings.Contains(text, "faultcode")
	if r.fault {
		var v struct {
			Fault *struct{} `xml:"Body>Fault"`
		}
		if err := xml.Unmarshal([]byte(text), &v); err != nil || v.Fault == nil {
			e.t.Fatalf("the fault is none: %v: %s", err, text)
		}
	}
	return r
}

const (
	subscribeInbox = `<m:Subscribe><m:StreamingSubscriptionRequest><t:FolderIds><t:DistinguishedFolderId Id="inbox"/></t:FolderIds>` +
		`<t:EventTypes><t:EventType>NewMailEvent</t:EventType></t:EventTypes></m:StreamingSubscriptionRequest></m:Subscribe>`
	subscribeKim = `<m:Subscribe><m:StreamingSubscriptionRequest><t:FolderIds><t:DistinguishedFolderId Id="inbox"><t:Mailbox><t:EmailAddress>` + kim +
		`</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId></t:FolderIds>` +
		`<t:EventTypes><t:EventType>NewMailEvent</t:EventType></t:EventTypes></m:StreamingSubscriptionRequest></m:Subscribe>`
)

func unsubscribe(id string) string {
	return "<m:Unsubscribe><m:SubscriptionId>" + id + "</m:SubscriptionId></m:Unsubscribe>"
}

func listen(ids ...string) string {
	var list strings.Builder
	for _, id := range ids {
		list.WriteString("<t:SubscriptionId>" + id + "</t:SubscriptionId>")
	}
	return "<m:GetStreamingEvents><m:SubscriptionIds>" + list.String() + "</m:SubscriptionIds><m:ConnectionTimeout>1</m:ConnectionTimeout></m:GetStreamingEvents>"
}

// want checks status and code; a fault is 500, a response message 200.
func (e *edge) want(r reply, status int, code string) {
	e.t.Helper()
	if r.status != status || r.code != code || r.fault != (status == 500) {
		e.t.Fatalf("status %d, code %q, fault %v; want %d, %q: %s", r.status, r.code, r.fault, status, code, r.Body)
	}
}

// subscribed makes a subscription and checks where it is. The cookies are in the ask from then on.
func (e *edge) subscribed(a *ask, backEnd string) string {
	e.t.Helper()
	r := e.do(*a, subscribeInbox)
	e.want(r, 200, "NoError")
	if got := r.Header().Get("X-CalculatedBETarget"); got != backEnd {
		e.t.Fatalf("the answer is from %s, want %s", got, backEnd)
	}
	for _, sub := range e.s.Subscriptions() {
		if sub.ID == r.id && sub.BackEnd != backEnd {
			e.t.Fatalf("the subscription is on %s, want %s", sub.BackEnd, backEnd)
		}
	}
	a.cookies = append(a.cookies, r.Result().Cookies()...)
	return r.id
}
