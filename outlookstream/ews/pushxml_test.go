package ews

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatIsNoNotificationIsRefused(t *testing.T) {
	h, _ := subscribePush(t, func(context.Context, *Push) error { t.Error("handed on"); return nil })
	message := `<m:SendNotificationResponseMessage ResponseClass="Success"><m:Notification><t:SubscriptionId>sub</t:SubscriptionId></m:Notification></m:SendNotificationResponseMessage>`
	for name, c := range map[string]struct {
		method, kind, encoding, body string
		want                         int
	}{
		"GET":                         {method: http.MethodGet, want: http.StatusMethodNotAllowed},
		"PUT":                         {method: http.MethodPut, want: http.StatusMethodNotAllowed},
		"JSON":                        {kind: "application/json", want: http.StatusUnsupportedMediaType},
		"of no type":                  {kind: "-", want: http.StatusUnsupportedMediaType},
		"of an unreadable type":       {kind: "text/xml/x", want: http.StatusUnsupportedMediaType},
		"compressed":                  {encoding: "gzip", want: http.StatusUnsupportedMediaType},
		"empty":                       {want: http.StatusBadRequest},
		"no XML":                      {body: "hello", want: http.StatusBadRequest},
		"cut off":                     {body: statusOf("sub")[:600], want: http.StatusBadRequest},
		"another envelope":            {body: answering("GetEvents", "<m:Notification/>"), want: http.StatusBadRequest},
		"of nothing":                  {body: pushBegin + pushEnd, want: http.StatusBadRequest},
		"of no subscription":          {body: statusOf(""), want: http.StatusBadRequest},
		"without a notification":      {body: pushBegin + `<m:SendNotificationResponseMessage ResponseClass="Success"/>` + pushEnd, want: http.StatusBadRequest},
		"an error about nobody":       {body: pushBegin + `<m:SendNotificationResponseMessage ResponseClass="Error"/>` + pushEnd, want: http.StatusBadRequest},
		"two at once":                 {body: pushBegin + message + message + pushEnd, want: http.StatusBadRequest},
		"too large":                   {body: statusOf(strings.Repeat("s", maxPush)), want: http.StatusRequestEntityTooLarge},
		"more elements than it needs": {body: pushing(strings.Repeat("<a/>", maxElements+1)), want: http.StatusBadRequest},
		"entities that grow": {body: `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>` + pushing("<t:SubscriptionId>&b;</t:SubscriptionId>"),
			want: http.StatusBadRequest},
		"a file of this machine": {body: `<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>` + pushing("<t:SubscriptionId>&a;</t:SubscriptionId>"),
			want: http.StatusBadRequest},
	} {
		w := httptest.NewRecorder()
		method := http.MethodPost
		if c.method != "" {
			method = c.method
		}
		r := httptest.NewRequest(method, "/push/0f3a", strings.NewReader(c.body))
		switch c.kind {
		case "":
			r.Header.Set("Content-Type", "text/xml")
		case "-":
		default:
			r.Header.Set("Content-Type", c.kind)
		}
		if c.encoding != "" {
			r.Header.Set("Content-Encoding", c.encoding)
		}
		h.ServeHTTP(w, r)
		if w.Code != c.want || w.Body.Len() > 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
			t.Errorf("%s: %d %s: %s", name, w.Code, w.Header(), w.Body)
		}
		if allow := w.Header().Get("Allow"); (allow == http.MethodPost) != (c.want == http.StatusMethodNotAllowed) {
			t.Errorf("%s: Allow: %q", name, allow)
		}
	}
}

// A sender that never ends holds a connection for half a minute, not for ever;
// what is being handled may take longer.
func TestASlowSenderIsNotWaitedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := subscribePush(t, func(ctx context.Context, _ *Push) error {
			select {
			case <-time.After(5 * time.Minute):
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
		client, stop := servePipe(t, h)
		defer stop()
		body := statusOf("sub")
		head := "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: "
		send := func(body string) (status int) {
			if _, err := io.WriteString(client, head+strconv.Itoa(len(statusOf("sub")))+"\r\n\r\n"+body); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(client), nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			return resp.StatusCode
		}
		if status := send(body); status != http.StatusOK {
			t.Errorf("one that takes its time to be handled: %d", status)
		}
		start := time.Now()
		if status := send(body[:100]); status != http.StatusBadRequest || time.Since(start) != pushTime {
			t.Errorf("one that never ends: %d after %v", status, time.Since(start))
		}
	})
}

func FuzzPush(f *testing.F) {
	f.Add(statusOf("sub"))
	f.Add(pushing(everyEvent))
	f.Add(pushBegin + `<m:SendNotificationResponseMessage ResponseClass="Error"><m:ErrorSubscriptionIds><m:SubscriptionId>sub</m:SubscriptionId></m:ErrorSubscriptionIds></m:SendNotificationResponseMessage>` + pushEnd)
	f.Fuzz(func(t *testing.T, body string) {
		m, refused := parsePush([]byte(body))
		if (m == nil) == (refused == nil) {
			t.Fatalf("%v, %v", m, refused)
		}
		handed := false
		h := NewPushHandler(func(_ context.Context, p *Push) error { handed = true; return nil })
		p := &PushSubscription{Subscription: &Subscription{ID: "sub"}, handler: h, silence: time.Hour, gone: make(chan struct{})}
		h.subscriptions["sub"] = p
		status, said := push(h, body)
		if handed && (m == nil || m.subscription() != "sub" || said != "OK") {
			t.Errorf("%d %s", status, said)
		}
		if m != nil && status != http.StatusOK {
			t.Errorf("%d %s", status, said)
		}
		if m != nil && m.subscription() == "sub" && !handed && !errors.As(p.over, new(*Error)) {
			t.Errorf("lost: %d %s", status, said)
		}
	})
}

// servePipe serves h on one connection, the other end of which is returned.
func servePipe(t *testing.T, h http.Handler) (client net.Conn, stop func()) {
	t.Helper()
	client, server := net.Pipe()
	listener := &pipeListener{conns: make(chan net.Conn, 1), closed: make(chan struct{})}
	listener.conns <- server
	srv := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(listener) }()
	return client, func() { _ = client.Close(); _ = srv.Close(); <-done }
}

type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error { close(l.closed); return nil }

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }
