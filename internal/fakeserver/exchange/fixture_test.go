package exchange_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

const (
	alex  = "alex@contoso.test"
	room1 = "room1@contoso.test"
)

// fixture is a server on the in-memory network, under virtual time, and a small client of it.
type fixture struct {
	t     *testing.T
	s     *fakeserver.Server
	e     *fakeserver.Endpoint
	http  *http.Client
	token string
}

func inMemory(t *testing.T, protocol string, opts *exchange.Options, test func(t *testing.T, f *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := fakeserver.New(&fakeserver.Options{
			Exchange: opts, Accounts: []signin.Account{{User: alex}, {User: room1}}, TokenLifetime: 100 * 24 * time.Hour,
		})
		e, err := s.ListenMemory()
		if err != nil {
			t.Fatal(err)
		}
		f := &fixture{t: t, s: s, e: e, http: e.Client(protocol), token: s.Token("me")}
		defer func() {
			if err := s.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		}()
		test(t, f)
	})
}

// overBoth runs a test over HTTP/1.1 and over HTTP/2.
func overBoth(t *testing.T, opts *exchange.Options, test func(t *testing.T, f *fixture)) {
	t.Helper()
	for _, protocol := range []string{"h1", "h2"} {
		t.Run(protocol, func(t *testing.T) { inMemory(t, protocol, opts, test) })
	}
}

// as is the same with somebody else's token.
func (f *fixture) as(user string) *fixture {
	g := *f
	g.token = f.s.Token(user)
	return &g
}

const nsAll = `xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" ` +
	`xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"`

// envelope is what a client sends; header is what follows RequestServerVersion.
func envelope(version, header, body string) string {
	return `<?xml version="1.0" encoding="utf-8"?><soap:Envelope ` + nsAll + `><soap:Header><t:RequestServerVersion Version="` + version + `"/>` +
		header + `</soap:Header><soap:Body>` + body + `</soap:Body></soap:Envelope>`
}

func (f *fixture) request(ctx context.Context, document string) *http.Request {
	f.t.Helper()
	r, err := http.NewRequestWithContext(ctx, "POST", f.e.EWS(), strings.NewReader(document))
	if err != nil {
		f.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	if f.token != "" {
		r.Header.Set("Authorization", "Bearer "+f.token)
	}
	return r
}

// answer is a response that was read to its end.
type answer struct {
	*http.Response
	body string
	root *element
}

func (f *fixture) do(r *http.Request) answer {
	f.t.Helper()
	resp, err := f.http.Do(r)
	if err != nil {
		f.t.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatalf("%s %s: reading the answer: %v", r.Method, r.URL.Path, err)
	}
	a := answer{Response: resp, body: string(b)}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/xml") {
		a.root, err = newReader(strings.NewReader(a.body)).next()
		if err != nil {
			f.t.Fatalf("the answer is malformed: %v\n%s", err, a.body)
		}
		if err := checkDotNet(a.root); err != nil {
			f.t.Errorf("the Managed API would not take this: %v\n%s", err, a.body)
		}
	}
	return a
}

// call makes a request of an operation, of the newest version.
func (f *fixture) call(body string) answer {
	f.t.Helper()
	return f.do(f.request(f.t.Context(), envelope("Exchange2016", "", body)))
}

// message is the one response message of an answer.
func (a answer) message() *element {
	body := a.root.at("Body")
	if body == nil || len(body.children) != 1 {
		return nil
	}
	all := body.children[0].at("ResponseMessages")
	if all == nil || len(all.children) != 1 {
		return nil
	}
	return all.children[0]
}

// want checks that an operation answers with a code, in a response message.
func (a answer) want(t *testing.T, code string) *element {
	t.Helper()
	m := a.message()
	if a.StatusCode != http.StatusOK || m == nil || m.text("ResponseCode") != code {
		t.Fatalf("status %d, want the response code %s; body %s", a.StatusCode, code, a.body)
	}
	class := "Error"
	if code == "NoError" {
		class = "Success"
	}
	if m.attrs["ResponseClass"] != class {
		t.Fatalf("the class of %s is %q", code, m.attrs["ResponseClass"])
	}
	return m
}

// wantFault checks that the request as a whole is refused. text is a part of what is said.
func (a answer) wantFault(t *testing.T, code, text string) *element {
	t.Helper()
	fault := a.root.at("Body", "Fault")
	if a.StatusCode != http.StatusInternalServerError || fault == nil {
		t.Fatalf("status %d, want a fault %s; body %s", a.StatusCode, code, a.body)
	}
	if got := fault.at("detail").text("ResponseCode"); got != code || fault.text("faultcode") != "a:"+code {
		t.Fatalf("the fault is %s (%s), want %s: %s", got, fault.text("faultcode"), code, a.body)
	}
	if got := fault.at("detail").text("Message"); !strings.Contains(got, text) || fault.text("faultstring") != got {
		t.Fatalf("the fault says %q (%q), want %q", got, fault.text("faultstring"), text)
	}
	return fault
}

const allTypes = `<t:EventTypes><t:EventType>CopiedEvent</t:EventType><t:EventType>CreatedEvent</t:EventType><t:EventType>DeletedEvent</t:EventType>` +
	`<t:EventType>ModifiedEvent</t:EventType><t:EventType>MovedEvent</t:EventType><t:EventType>NewMailEvent</t:EventType>` +
	`<t:EventType>FreeBusyChangedEvent</t:EventType></t:EventTypes>`

// folders names distinguished ones.
func folders(names ...string) string {
	var b strings.Builder
	for _, name := range names {
		b.WriteString(`<t:DistinguishedFolderId Id="` + name + `"/>`)
	}
	return `<t:FolderIds>` + b.String() + `</t:FolderIds>`
}

func streamingRequest(inside string) string {
	return `<m:Subscribe><m:StreamingSubscriptionRequest>` + inside + `</m:StreamingSubscriptionRequest></m:Subscribe>`
}

// subscribe makes a streaming subscription to folders, none meaning all, and returns its id.
func (f *fixture) subscribe(names ...string) string {
	f.t.Helper()
	body := streamingRequest(folders(names...) + allTypes)
	if len(names) == 0 {
		body = `<m:Subscribe><m:StreamingSubscriptionRequest SubscribeToAllFolders="true">` + allTypes + `</m:StreamingSubscriptionRequest></m:Subscribe>`
	}
	return f.call(body).want(f.t, "NoError").text("SubscriptionId")
}

func unsubscribeRequest(id string) string {
	return `<m:Unsubscribe><m:SubscriptionId>` + id + `</m:SubscriptionId></m:Unsubscribe>`
}

func listenRequest(minutes int, ids ...string) string {
	var b strings.Builder
	for _, id := range ids {
		b.WriteString(`<t:SubscriptionId>` + id + `</t:SubscriptionId>`)
	}
	return fmt.Sprintf(`<m:GetStreamingEvents><m:SubscriptionIds>%s</m:SubscriptionIds><m:ConnectionTimeout>%d</m:ConnectionTimeout></m:GetStreamingEvents>`,
		b.String(), minutes)
}

func (f *fixture) change(c fakeserver.Change) []fakeserver.Entry {
	f.t.Helper()
	entries, err := f.s.Change(c)
	if err != nil {
		f.t.Fatal(err)
	}
	return entries
}

func (f *fixture) arm(fault fakeserver.Fault) {
	f.t.Helper()
	if err := f.s.Arm(fault); err != nil {
		f.t.Fatal(err)
	}
}

// wait lets virtual time pass.
func wait(d time.Duration) { <-time.NewTimer(d).C }
