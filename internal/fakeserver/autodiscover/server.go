package autodiscover

import (
	"cmp"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Form is one of the three ways to ask.
type Form string

// The forms.
const (
	SOAP Form = "soap" // POST /autodiscover/autodiscover.svc
	POX  Form = "pox"  // POST /autodiscover/autodiscover.xml
	JSON Form = "json" // GET /autodiscover/autodiscover.json
)

// Options configure a Server.
type Options struct {
	// Directory is required.
	Directory Directory
	// Authenticate finds out who asks, or answers with 401; the JSON form does without. Default: everybody may ask.
	Authenticate func(http.ResponseWriter, *http.Request) bool
	// MaxUsers is how many users one GetUserSettings may name. Default 100.
	MaxUsers int
}

const (
	defaultMaxUsers = 100
	maxBody         = 256 << 10
)

// Server is the service. Its methods may be called at any time from any goroutine.
type Server struct {
	opts Options

	mu    sync.Mutex
	off   []Form
	asked []Question
}

// Question is something that a client wanted to know.
type Question struct {
	Time    time.Time `json:"time"`
	Form    Form      `json:"form"`
	Host    string    `json:"host"`
	Address string    `json:"address"`
	Answer  string    `json:"answer"` // NoError, RedirectAddress, RedirectUrl or another code of the SOAP form
}

// maxQuestions is how many are kept; the oldest go first.
const maxQuestions = 10_000

// New makes a Server.
func New(opts Options) *Server {
	opts.MaxUsers = cmp.Or(opts.MaxUsers, defaultMaxUsers)
	return &Server{opts: opts}
}

// SetForms says which forms are served from now on; the others are answered with 404. It begins with all.
func (s *Server) SetForms(forms ...Form) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.off = slices.DeleteFunc([]Form{SOAP, POX, JSON}, func(f Form) bool { return slices.Contains(forms, f) })
}

// Questions returns what was asked so far, oldest first, the latest 10,000; a batch is as many as it names users.
func (s *Server) Questions() []Question {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// Serves reports whether a path is one of the service's.
func Serves(path string) bool {
	_, ok := formOf(path)
	return ok
}

func formOf(path string) (Form, bool) {
	switch path = strings.ToLower(path); {
	case path == "/autodiscover/autodiscover.svc":
		return SOAP, true
	case path == "/autodiscover/autodiscover.xml":
		return POX, true
	case path == "/autodiscover/autodiscover.json", strings.HasPrefix(path, "/autodiscover/autodiscover.json/"):
		return JSON, true
	}
	return "", false
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	form, ok := formOf(r.URL.Path)
	s.mu.Lock()
	ok = ok && !slices.Contains(s.off, form)
	s.mu.Unlock()
	if !ok {
		http.Error(w, "There is no such service here.", http.StatusNotFound)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "The request could not be read.", http.StatusRequestEntityTooLarge)
		return
	}
	w.Header().Set("Cache-Control", "private")
	if form == JSON {
		s.serveJSON(w, r)
		return
	}
	if s.opts.Authenticate != nil && !s.opts.Authenticate(w, r) {
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "The method must be POST.", http.StatusMethodNotAllowed)
		return
	}
	if form == SOAP {
		s.serveSOAP(w, r, body)
	} else {
		s.servePOX(w, r, body)
	}
}

// outcome is the answer to one question, in the words of the SOAP form.
type outcome struct {
	code, message string
	target        string // RedirectAddress: an address; RedirectUrl: the other service's root
	entry         Entry
}

const (
	noError         = "NoError"
	redirectAddress = "RedirectAddress"
	redirectURL     = "RedirectUrl"
	invalidUser     = "InvalidUser"
)

// ask answers a question, and notes it.
func (s *Server) ask(r *http.Request, form Form, address string) outcome {
	e, ok := s.opts.Directory.Lookup(address)
	o := outcome{code: noError, message: "No error.", entry: e}
	switch {
	case !ok:
		o.code, o.message = invalidUser, "The user couldn't be found. User: '"+address+"'."
	case e.RedirectAddress != "":
		o.code, o.message, o.target = redirectAddress, "Redirection address.", e.RedirectAddress
	case e.sendsOn(r):
		o.code, o.message, o.target = redirectURL, "Redirection URL.", e.redirectRoot(r)
	case e.ErrorCode != "":
		o.code, o.message = e.ErrorCode, "The Autodiscover service couldn't answer for this user."
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, Question{time.Now(), form, r.Host, address, o.code})
	if len(s.asked) > maxQuestions {
		s.asked = slices.Delete(s.asked, 0, 1)
	}
	return o
}
