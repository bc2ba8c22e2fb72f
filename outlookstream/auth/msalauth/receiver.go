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

const receiverMaxBody = 64 << 10

func listenForAnswer(state string) (*receiver, error) {
	// Entra ID ignores the port of http://localhost in a redirect URI, but not the name.
	first, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(first.Addr().String())
	if err != nil {
		return nil, errors.Join(err, first.Close())
	}
	listeners := []net.Listener{first}
	// Some systems take "localhost" for ::1 first. If that is not to be had, browsers try the other one.
	if second, err := net.Listen("tcp", "[::1]:"+port); err == nil {
		listeners = append(listeners, second)
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
		r.answer(w, browserAnswer{code: req.PostForm.Get("code")}, "Signed in. You can close this window.")
	case req.PostForm.Get("error") != "":
		r.answer(w, browserAnswer{
			fault: req.PostForm.Get("error"), description: req.PostForm.Get("error_description"), claims: req.PostForm.Get("claims"),
			subcode: cmp.Or(req.PostForm.Get("error_subcode"), req.PostForm.Get("suberror")), // both are seen
		}, "Not signed in. The program tells why. You can close this window.")
	default:
		page(w, http.StatusBadRequest, "This answer to the sign-in has neither a code nor an error.")
	}
}

func (r *receiver) answer(w http.ResponseWriter, a browserAnswer, text string) {
	select {
	case r.answers <- a:
	default: // there was an answer already
	}
	page(w, http.StatusOK, text)
}

// page writes a page that says text, which is fixed.
func page(w http.ResponseWriter, status int, text string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Sign-in</title><p>%s</p></html>\n", text)
}
