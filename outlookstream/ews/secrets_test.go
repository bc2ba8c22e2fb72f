package ews

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

func TestNothingThatHoldsATokenShowsItToFmt(t *testing.T) {
	c := servedBy(t, Options{}, func(r *http.Request) (*http.Response, error) { return answered(r, 200, anOK), nil })
	s := c.Session("")
	st, err := s.Open(t.Context(), twoSubscriptions()...)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	type holder struct{ inside any }
	for name, value := range map[string]any{"Client": c, "Session": s, "Stream": st, "Authenticator": c.auth} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
			for _, v := range []any{value, holder{value}, &holder{value}} {
				text := fmt.Sprintf(verb, v)
				if strings.Contains(text, "s3cret") || strings.Contains(text, fmt.Sprintf("%x", "s3cret")) || strings.Contains(text, fmt.Sprintf("%X", "s3cret")) {
					t.Errorf("%s of %s (%T) shows the token", verb, name, v)
				}
			}
		}
	}
}

// echoing returns a Client of a server on loopback that answers each request
// with text, in which %s stands for the Authorization header's value.
func echoing(t *testing.T, text string) *Client {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	t.Cleanup(func() { _ = l.Close(); <-served })
	go func() {
		defer close(served)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				_, _ = io.Copy(io.Discard, r.Body)
				_, _ = io.WriteString(conn, strings.ReplaceAll(text, "%s", r.Header.Get("Authorization")))
			}
			_ = conn.Close()
		}
	}()
	c, err := New(Bearer(auth.Static(wireToken)), &Options{URL: "http://" + l.Addr().String() + "/EWS/Exchange.asmx"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAPeerThatQuotesTheTokenDoesNotGetItIntoAnError(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"
	closed := func(body string) string { return ok + "Connection: close\r\n\r\n" + body }
	for name, text := range map[string]string{
		"a header":          "HTTP/1.1 200 OK\r\n%s\r\n\r\n",
		"a status line":     "HTTP/1.1 %s\r\n\r\n",
		"a first line":      "%s\r\n\r\n",
		"a length":          "HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n",
		"a type":            "HTTP/1.1 200 OK\r\nContent-Type: %s/x\r\nContent-Length: 0\r\n\r\n",
		"an encoding":       "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: %s\r\nContent-Length: 0\r\n\r\n",
		"a chunk":           ok + "Transfer-Encoding: chunked\r\n\r\n%s\r\n<\r\n0\r\n\r\n\r\n",
		"another host":      "HTTP/1.1 307 Temporary Redirect\r\nLocation: https://" + wireToken + ".evil.test/\r\n\r\n",
		"a broken location": "HTTP/1.1 307 Temporary Redirect\r\nLocation: https://[" + wireToken + "\r\n\r\n",
		"a mere id":         "HTTP/1.1 500 No\r\nrequest-id: %s\r\nContent-Length: 0\r\n\r\n",
		"a fault":           "HTTP/1.1 500 No\r\nConnection: close\r\n\r\n" + strings.ReplaceAll(aFault, "says", "%s"),
		"a fault's code":    "HTTP/1.1 500 No\r\nConnection: close\r\n\r\n" + faulty("s", "%s", ""),
		"a message":         closed(strings.ReplaceAll(anErrorEnvelope("%s", ""), "wrong", "%s")),
		"a name":            closed("<" + wireToken + "/>"),
		"a bad name":        closed("<Envelope></" + wireToken + ">"),
		"a text":            closed("x %s"),
		"a page":            closed("<html lang='%s'>"),
		"a doctype":         closed("<!DOCTYPE %s>"),
	} {
		c := echoing(t, text)
		s := c.Session("")
		_, subscribing := s.Subscribe(t.Context(), Mailbox{})
		st, err := s.Open(t.Context(), twoSubscriptions()...)
		if err == nil {
			_, err = st.Next()
			_ = st.Close()
		}
		if err == nil || subscribing == nil {
			t.Errorf("%s: no error", name)
		}
		for _, e := range []error{err, subscribing} {
			for ; e != nil; e = errors.Unwrap(e) {
				if text := fmt.Sprintf("%v %+v %#v", e, e, e); strings.Contains(text, "s3cret") {
					t.Errorf("%s: %s", name, text)
				}
			}
		}
	}
}

func TestAFailingProviderIsTheReasonOfTheError(t *testing.T) {
	mine := errors.New("the vault is closed")
	c, err := New(Bearer(auth.Func(func(context.Context, auth.Request) (auth.Token, error) { return auth.Token{}, mine })), &Options{URL: wireURL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Session("").Subscribe(t.Context(), Mailbox{}); !errors.Is(err, mine) || !strings.Contains(err.Error(), "getting credentials") {
		t.Errorf("%v", err)
	}
	if _, err := c.Session("").Open(t.Context(), twoSubscriptions()...); !errors.Is(err, mine) {
		t.Errorf("%v", err)
	}
}
