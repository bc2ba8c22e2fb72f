package outlookstream_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf16"

	"github.com/calwatch/calwatch/outlookstream"
)

// endlessly writes text until nobody takes it any more, or much more than any
// bound.
func endlessly(w io.Writer, text string) {
	block := []byte(strings.Repeat(text, max(1, (16<<10)/len(text))))
	for range (2 << 20) / len(block) {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

const okay = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

func TestAnAnswerWithoutAnEndIsReadUpToABound(t *testing.T) {
	for name, tt := range map[string]struct{ before, again string }{
		"a status line":             {"HTTP/1.1 200 ", "O"},
		"no status line":            {"", "x"},
		"a header's name":           {okay, "x"},
		"a header's value":          {okay + "x: ", "x"},
		"headers":                   {okay, "x: y\r\n"},
		"a header, folded":          {okay + "x: y\r\n", " y\r\n"},
		"informational answers":     {"", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"},
		"continuations":             {"", "HTTP/1.1 100 Continue\r\n\r\n"},
		"an error's body":           {"HTTP/1.1 500 No\r\n\r\n", "x"},
		"an error's one string":     {"HTTP/1.1 500 No\r\n\r\n" + `{"error":{"code":"`, "x"},
		"an error's nesting":        {"HTTP/1.1 500 No\r\n\r\n" + `{"error":`, "["},
		"an error's trailers":       {"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "x: y\r\n"},
		"a chunk's length":          {okay + "Transfer-Encoding: chunked\r\n\r\n", "0"},
		"a chunk's extension":       {okay + "Transfer-Encoding: chunked\r\n\r\n1;", "x"},
		"chunks of next to nothing": {okay + "Transfer-Encoding: chunked\r\n\r\n", "1;" + strings.Repeat("x", 200) + "\r\n \r\n"},
		"a member's name":           {okay + "\r\n" + `{"`, "x"},
		"nesting":                   {okay + "\r\n" + preamble, "["},
		"nesting in a member":       {okay + "\r\n" + `{"a":`, "["},
		"WWW-Authenticate":          {"HTTP/1.1 401 No\r\nWWW-Authenticate: ", `Bearer claims="eyJhIjoxfQ==", `},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHostile(t, "h1")
				h.serveBytes(func(w io.Writer) {
					_, _ = io.WriteString(w, tt.before)
					endlessly(w, tt.again)
				})
				if err := h.forAWhile(2 * time.Minute); !errors.Is(err, errOver) {
					t.Error(err)
				}
				if n, _, _ := h.count(); n < 4 {
					t.Errorf("%d attempts", n)
				}
			})
		})
	}
}

func TestWhatIsNotTheProtocolIsMalformedAndTriedAgain(t *testing.T) {
	var wide bytes.Buffer
	for _, unit := range utf16.Encode([]rune("\ufeff" + preamble)) {
		wide.Write([]byte{byte(unit), byte(unit >> 8)})
	}
	document := preamble + `{"SubscriptionId":"x","SequenceNumber":1,"ChangeType":"Created","ResourceData":{"Id":"1"}}]}`
	for name, tt := range map[string]struct {
		status int
		kind   string
		body   string
	}{
		"a page":                 {200, "text/html; charset=utf-8", "<html>"},
		"XML":                    {200, "application/xml", "<a/>"},
		"the document as text":   {200, "text/plain", document},
		"as something like JSON": {200, "application/json-seq", document},
		"a type out of shape":    {200, "text/html; a=1; a=2", "<html>"},
		"many types":             {200, "text/html" + strings.Repeat("; a=1", 5000), "<html>"},
		"wide characters":        {200, "application/json; charset=utf-16", wide.String()},
		"created":                {201, "application/json", document},
		"accepted":               {202, "application/json", document},
		"without authority":      {203, "application/json", document},
		"reset content":          {205, "application/json", ""},
		"a part":                 {206, "application/json", document},
		"of no known status":     {299, "application/json", document},
	} {
		t.Run(name, func(t *testing.T) {
			inBothProtocols(t, func(t *testing.T, h *hostile) {
				h.serveHTTP(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Type", tt.kind)
					w.WriteHeader(tt.status)
					_, _ = io.WriteString(w, tt.body)
				})
				if err := h.forAWhile(2 * time.Minute); !errors.Is(err, errOver) {
					t.Error(err)
				}
				_, _, waits := h.count()
				for _, wait := range waits {
					if !errors.Is(wait.Err, outlookstream.ErrMalformed) {
						t.Fatal(wait.Err)
					}
				}
			})
		})
	}
}

func TestADocumentOfNoTypeIsTakenForWhatItIs(t *testing.T) {
	for _, kind := range []string{"", "application/json;odata.metadata=minimal", "Application/JSON; charset=UTF-8"} {
		inBothProtocols(t, func(t *testing.T, h *hostile) {
			h.serveHTTP(func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Content-Type"] = nil // none
				if kind != "" {
					w.Header().Set("Content-Type", kind)
				}
				_, _ = io.WriteString(w, preamble+keepAlive+"]}")
			})
			if n, err := h.open(t.Context()).Next(); err != nil || !n.IsKeepAlive() {
				t.Errorf("%q: %v, %v", kind, n, err)
			}
		})
	}
}

// A gzip bomb is decoded by nobody: no compression was asked for, and then a
// Transport leaves it alone, also one that would ask for it by itself.
func TestAGzipBombIsNotDecoded(t *testing.T) {
	bomb := gzipped(t, preamble+`{"a":"`, 16<<20)
	for _, decompressing := range []bool{false, true} {
		for _, status := range []int{200, 500} {
			t.Run(fmt.Sprint(decompressing, " ", status), func(t *testing.T) {
				inBothProtocols(t, func(t *testing.T, h *hostile) {
					h.opts.HTTPClient.Transport.(*http.Transport).DisableCompression = !decompressing
					h.serveHTTP(func(w http.ResponseWriter, r *http.Request) {
						w.Header().Set("Content-Type", "application/json")
						w.Header().Set("Content-Encoding", "gzip")
						w.WriteHeader(status)
						_, _ = w.Write(bomb)
					})
					if err := h.forAWhile(2 * time.Minute); !errors.Is(err, errOver) {
						t.Error(err)
					}
					_, _, waits := h.count()
					for _, wait := range waits {
						if status == 200 && (!errors.Is(wait.Err, outlookstream.ErrMalformed) || !strings.Contains(wait.Err.Error(), "gzip")) {
							t.Fatal(wait.Err)
						}
					}
				})
			})
		}
	}
}

// gzipped returns text and size bytes more, compressed.
func gzipped(t *testing.T, text string, size int) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = io.WriteString(w, text)
	endless := []byte(strings.Repeat("x", 1<<20))
	for range size / len(endless) {
		_, _ = w.Write(endless)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestRedirectsAreFollowedOnOneHostAndToAnEndOnly(t *testing.T) {
	for name, tt := range map[string]struct {
		location string
		says     string // of the end; "": it goes on
	}{
		"round and round":          {"/api/beta/me/GetNotifications", "307"},
		"to another path":          {"/elsewhere", "307"},
		"to another host":          {"https://evil.test/", "make it the Endpoint"},
		"to a neighbour":           {"https://hostile.test.evil.test/", "make it the Endpoint"},
		"to another port":          {"https://hostile.test:8443/", "make it the Endpoint"},
		"to the clear":             {"http://hostile.test/", "make it the Endpoint"},
		"with the token in it":     {"https://" + hostileToken + ".evil.test/", "make it the Endpoint"},
		"to a file":                {"file:///etc/passwd", "make it the Endpoint"},
		"to nowhere":               {"", "307"},
		"to what is no URL":        {"https://[::1", ""},
		"with a password":          {"https://user:password@hostile.test/", "307"},
		"relative to another host": {"//evil.test/", "make it the Endpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			inBothProtocols(t, func(t *testing.T, h *hostile) {
				h.serveHTTP(func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("Authorization") != "Bearer "+hostileToken {
						t.Errorf("sent along: %q", r.Header.Get("Authorization"))
					}
					if tt.location != "" {
						w.Header().Set("Location", tt.location)
					}
					w.WriteHeader(http.StatusTemporaryRedirect)
				})
				err := h.forAWhile(2 * time.Minute)
				if goesOn := errors.Is(err, errOver); goesOn != (tt.says == "") || !strings.Contains(err.Error(), tt.says) {
					t.Error(err)
				}
				if n, _, _ := h.count(); tt.says != "" && n > 6 {
					t.Errorf("%d requests", n)
				}
			})
		})
	}
}
