package msalauth

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	documentLife  = time.Hour      // they change about never; MSAL keeps them as long as a client lives
	documentPause = time.Minute    // after a failure
	staleLife     = 24 * time.Hour // if the authority cannot be reached
	maxDocuments  = 256            // one for each tenant asked for
)

// documents are what authorities publish about themselves, their OpenID configurations. Each MSAL client fetches one for itself,
// so they are kept here for all of them.
type documents struct {
	turn chan struct{} // held while one is fetched, so that those who start at the same time fetch it once

	mu   sync.Mutex
	kept map[string]document
}

type document struct {
	resp http.Response // without Body and Request
	body []byte
	at   time.Time
	wait time.Time // it could not be fetched anew, and that is not tried before
}

func newDocuments() *documents {
	return &documents{turn: make(chan struct{}, 1), kept: map[string]document{}}
}

// isDocument says whether a request is for one.
func isDocument(req *http.Request) bool {
	return req.Method == http.MethodGet && strings.HasSuffix(req.URL.Path, "/openid-configuration")
}

// get answers req from memory, or with fetch.
func (d *documents) get(req *http.Request, fetch func() (*http.Response, error)) (*http.Response, error) {
	url := req.URL.String()
	if resp := d.find(req, url, documentLife); resp != nil {
		return resp, nil
	}
	if !d.take() {
		if old := d.find(req, url, staleLife); old != nil {
			return old, nil // somebody is fetching it
		}
		select {
		case d.turn <- struct{}{}:
		case <-req.Context().Done():
			return nil, context.Cause(req.Context())
		}
	}
	defer func() { <-d.turn }()
	if resp := d.find(req, url, documentLife); resp != nil {
		return resp, nil
	}
	resp, err := fetch()
	if err != nil || resp.StatusCode != http.StatusOK {
		if old := d.find(req, url, staleLife); old != nil {
			d.pause(url)
			return old, nil // what it says is about as true as ever
		}
		return resp, err
	}
	body, err := io.ReadAll(resp.Body) // from memory
	if err != nil {
		return nil, err
	}
	d.keep(url, resp, body)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

func (d *documents) find(req *http.Request, url string, life time.Duration) *http.Response {
	d.mu.Lock()
	defer d.mu.Unlock()
	kept, ok := d.kept[url]
	if time.Now().Before(kept.wait) {
		life = staleLife
	}
	if age := time.Since(kept.at); !ok || age < 0 || age >= life {
		return nil
	}
	resp := kept.resp
	resp.Header = kept.resp.Header.Clone()
	resp.Body, resp.Request = io.NopCloser(bytes.NewReader(kept.body)), req
	return &resp
}

func (d *documents) keep(url string, resp *http.Response, body []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.kept) >= maxDocuments {
		clear(d.kept)
	}
	kept := *resp
	kept.Body, kept.Request = nil, nil
	d.kept[url] = document{resp: kept, body: body, at: time.Now()}
}

// take takes the turn if it is free.
func (d *documents) take() bool {
	select {
	case d.turn <- struct{}{}:
		return true
	default:
		return false
	}
}

// pause puts off the next attempt to fetch a document.
func (d *documents) pause(url string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if kept, ok := d.kept[url]; ok {
		kept.wait = time.Now().Add(documentPause)
		d.kept[url] = kept
	}
}

// forget drops all of them, because they may be why a call has come to nothing.
func (d *documents) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.kept)
}
