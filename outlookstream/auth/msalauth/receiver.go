package msalauth

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// receiver waits on the loopback interface for the browser that comes back from the authority (RFC 8252, section 7.3).
// Whatever else comes by - other programs of this machine, other pages in the browser - is refused and changes nothing.
type receiver struct {
	redirect string // its address
	host     string
	state    string
	answers  chan browserAnswer
	server   *http.Server
	serving  sync.WaitGroup
}

const (
	receiverMaxBody = 64 << 10
	// arrived does not say more than is known by then: the code has not been redeemed.
	arrived = "The answer has arrived. Go back to the program: it says whether you are signed in. You can close this window."
)

func listenForAnswer(state string) (*receiver, error) {
	listeners, port, err := listenLoopback()
	if err != nil {
		return nil, err
	}
	r := &receiver{
		redirect: "http://localhost:" + port, host: "localhost:" + port, state: state, answers: make(chan browserAnswer, 1),
	}
	r.server = &http.Server{
		Handler: r, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10,
		ErrorLog: log.New(io.Discard, "", 0), // what others send to the port is nobody's business
	}
	r.server.SetKeepAlivesEnabled(false)
	for _, l := range listeners {
		r.serving.Go(func() { _ = r.server.Serve(l) })
	}
	return r, nil
}

// listenLoopback listens to a port of the loopback interface, by both of its addresses: some systems take "localhost" for ::1 first, and
// if somebody else had that one's port, the answer would be theirs. Entra ID ignores the port of http://localhost in a redirect URI,
// but not the name.
func listenLoopback() (listeners []net.Listener, port string, err error) {
	for range 10 {
		first, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, "", err
		}
		if _, port, err = net.SplitHostPort(first.Addr().String()); err != nil {
			return nil, "", errors.Join(err, first.Close())
		}
		second, err := net.Listen("tcp", "[::1]:"+port)
		if err == nil {
			return []net.Listener{first, second}, port, nil
		}
		if !hasIPv6() {
			return []net.Listener{first}, port, nil
		}
		_ = first.Close() // the port is somebody's over there
	}
	return nil, "", errors.New("no port is free on both 127.0.0.1 and ::1")
}

func hasIPv6() bool {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		return false
	}
	_ = l.Close()
	return true
}

// wait returns what the browser brings.
func (r *receiver) wait(ctx context.Context) (browserAnswer, error) {
	select {
	case a := <-r.answers:
		return a, nil
	case <-ctx.Done():
		return browserAnswer{}, context.Cause(ctx)
	}
}

// close gives the browser a second to read the page.
func (r *receiver) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if r.server.Shutdown(ctx) != nil {
		_ = r.server.Close()
	}
	r.serving.Wait()
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	req.Body = http.MaxBytesReader(w, req.Body, receiverMaxBody)
	switch {
	case req.Host != r.host: // a page elsewhere whose name was made to mean this machine
		page(w, http.StatusMisdirectedRequest, "This is not the address of a sign-in.")
	case req.Method != http.MethodPost:
		page(w, http.StatusMethodNotAllowed, "The sign-in's answer has to be posted here.")
	case req.URL.Path != "/" || req.ParseForm() != nil:
		page(w, http.StatusBadRequest, "This is not the answer to the sign-in that is waiting.")
	case subtle.ConstantTimeCompare([]byte(req.PostForm.Get("state")), []byte(r.state)) != 1:
		page(w, http.StatusBadRequest, "This is not the answer to the sign-in that is waiting.")
	case req.PostForm.Get("code") != "":
		r.answer(w, browserAnswer{code: req.PostForm.Get("code")}, arrived)
	case req.PostForm.Get("error") != "":
		r.answer(w, browserAnswer{
			fault: req.PostForm.Get("error"), description: req.PostForm.Get("error_description"), claims: req.PostForm.Get("claims"),
			subcode: cmp.Or(req.PostForm.Get("error_subcode"), req.PostForm.Get("suberror")), // both are seen
		}, arrived)
	default:
		page(w, http.StatusBadRequest, "This answer to the sign-in has neither a code nor an error.")
	}
}

func (r *receiver) answer(w http.ResponseWriter, a browserAnswer, text string) {
	select {
	case r.answers <- a:
	default:
		page(w, http.StatusGone, "There was an answer already.")
		return
	}
	page(w, http.StatusOK, text)
}

// page writes a page that says text, which is fixed.
func page(w http.ResponseWriter, status int, text string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Sign-in</title><p>%s</p></html>\n", text)
}
