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
	documentLife = time.Hour      // they change about never; MSAL keeps them as long as a client lives
	staleLife    = 24 * time.Hour // if the authority cannot be reached
	maxDocuments = 256            // one for each tenant asked for
)

// documents are what authorities publish about themselves: the OpenID configuration, and instance discovery. Each MSAL
// client fetches them for itself, so they are kept here for all of them.
type documents struct {
	turn chan struct{} // held while one is fetched, so that those who start at the same time fetch it once

	mu   sync.Mutex
	kept map[string]document
}

type document struct {
	resp http.Response // without Body and Request
	body []byte
	at   time.Time
}

func newDocuments() *documents {
	return &documents{turn: make(chan struct{}, 1), kept: map[string]document{}}
}

// isDocument says whether a request is for one.
func isDocument(req *http.Request) bool {
	return req.Method == http.MethodGet &&
		(strings.HasSuffix(req.URL.Path, "/openid-configuration") || strings.HasSuffix(req.URL.Path, "/discovery/instance"))
}

// get answers req from memory, or with fetch.
func (d *documents) get(req *http.Request, fetch func() (*http.Response, error)) (*http.Response, error) {
	url := req.URL.String()
	if resp := d.find(req, url, documentLife); resp != nil {
		return resp, nil
	}
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-req.Context().Done():
		return nil, context.Cause(req.Context())
	}
	if resp := d.find(req, url, documentLife); resp != nil {
		return resp, nil
	}
	resp, err := fetch()
	if err != nil || resp.StatusCode != http.StatusOK {
		if old := d.find(req, url, staleLife); old != nil {
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
	d.kept[url] = document{kept, body, time.Now()}
}

// forget drops all of them, because they may be why a call has come to nothing.
func (d *documents) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.kept)
}
