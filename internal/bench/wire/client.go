package wire

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime/pprof"
	"time"

	"github.com/calwatch/calwatch/internal/bench/data"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// A clientConfig says what a client's process has to read, and what to measure.
type clientConfig struct {
	Contestant  string
	URL         string // the base, to which me/GetNotifications is added
	Over        string
	Certificate []byte
	Kind        data.Kind
	Numbered    bool
	Streams     int

	Warm  int           // elements that come before it is measured
	Count int           // how many are measured; 0: For says
	For   time.Duration // of one stream: how long to measure, after a quarter of it

	Arrivals bool   // wanted: when each element came
	Digest   bool   // wanted: what came
	Profile  string // a file for the profile of the processor's time; "": none
}

// A clientResult is what there is to say about it.
type clientResult struct {
	Elements int           // that were measured
	Took     time.Duration // from the last of those that were not, to the last
	CPU      time.Duration
	Arrivals []int64 `json:",omitempty"` // all, on the machine's clock
	Digest   uint64  `json:",omitempty"`
	Digested int     `json:",omitempty"`
}

func (c clientConfig) source() *source { return newSource(c.Kind, c.Numbered) }

// A via is the way to the server.
type via struct {
	url    string
	plain  *http.Client
	client *outlookstream.Client
}

func (c clientConfig) via() (*via, error) {
	plain, own := &http.Transport{Protocols: new(http.Protocols)}, outlookstream.NewTransport()
	if own.Protocols == nil {
		own.Protocols = new(http.Protocols)
	}
	for _, t := range []*http.Transport{plain, own} {
		t.Protocols.SetHTTP1(c.Over != overH2)
		t.Protocols.SetHTTP2(c.Over == overH2)
		if c.Over == overTCP {
			continue
		}
		config, err := trusting(c.Certificate)
		if err != nil {
			return nil, err
		}
		t.TLSClientConfig = config
	}
	v := &via{url: c.URL + "/me/GetNotifications", plain: &http.Client{Transport: plain}}
	if c.Contestant == bareOwn {
		v.plain.Transport = own
	}
	var err error
	v.client, err = outlookstream.New(auth.Static("token"), &outlookstream.Options{
		Endpoint:   c.URL,
		Scopes:     []string{"none"},
		KeepAlive:  10 * time.Minute, // some of these streams are silent until their turn comes
		HTTPClient: &http.Client{Transport: own},
	})
	return v, err
}

// open sends the request that Client.Open sends.
func (v *via) open(ctx context.Context) (io.ReadCloser, error) {
	body, err := json.Marshal(map[string]any{
		"ConnectionTimeoutInMinutes": 60, "KeepAliveNotificationIntervalInSeconds": 600, "SubscriptionIds": []string{data.SubscriptionID},
	})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept-Encoding", "identity")
	resp, err := v.plain.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK || resp.TLS != nil && resp.TLS.Version != tls.VersionTLS13 {
		_ = resp.Body.Close()
		return nil, fmt.Errorf("%s: %s", v.url, resp.Status)
	}
	return resp.Body, nil
}

// measure is the client's process.
func (c clientConfig) measure(ctx context.Context) (clientResult, error) {
	via, err := c.via()
	if err != nil {
		return clientResult{}, err
	}
	m, err := newMeter(c)
	if err != nil {
		return clientResult{}, err
	}
	stop, err := profile(c.Profile)
	if err != nil {
		return clientResult{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make(chan error, c.Streams)
	for range c.Streams {
		go func() { errs <- c.run(ctx, via, m.each) }()
	}
	for range c.Streams {
		// What ended first is the reason; the others end because of it.
		if one := <-errs; err == nil {
			if err = one; err == nil {
				err = errors.New("the stream ended before there was enough of it")
			}
			cancel()
		}
	}
	if errors.Is(err, errEnough) {
		err = nil
	}
	return m.result, errors.Join(err, stop())
}

// profile begins one.
func profile(path string) (stop func() error, err error) {
	if path == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error { pprof.StopCPUProfile(); return f.Close() }, nil
}
