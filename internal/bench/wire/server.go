package wire

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"

	"github.com/calwatch/calwatch/internal/bench/data"
)

// The transports that a stream may come over.
const (
	overTLS = "tls" // HTTP/1.1 over TLS 1.3
	overH2  = "h2"  // HTTP/2 over TLS 1.3
	overTCP = "tcp" // HTTP/1.1 without TLS
)

// An address is what the server says when it is ready.
type address struct {
	Bases       map[string]string // of URLs, for each transport
	Raw         string            // a TCP address that sends bytes without an end
	Certificate []byte            // whom to trust
}

// A server knows the streams that are open, by the group that their URL names.
type server struct {
	mu      sync.Mutex
	groups  map[string][]*stream
	changed chan struct{} // closed, and made anew, when groups changes

	making  sync.Mutex
	sources map[sourceKey]*source // made when they are first wanted, which takes longer than many a measurement
	floods  map[data.Kind]*flooding
}

type sourceKey struct {
	kind     data.Kind
	numbered bool
}

func (s *server) source(kind data.Kind, numbered bool) *source {
	s.making.Lock()
	defer s.making.Unlock()
	return s.sourceLocked(kind, numbered)
}

func (s *server) sourceLocked(kind data.Kind, numbered bool) *source {
	key := sourceKey{kind, numbered}
	if s.sources[key] == nil {
		s.sources[key] = newSource(kind, numbered)
	}
	return s.sources[key]
}

// A flooding is what is sent once, and what is sent again and again after it.
type flooding struct {
	first, again []byte
}

func (s *server) flooding(kind data.Kind) *flooding {
	s.making.Lock()
	defer s.making.Unlock()
	if s.floods[kind] == nil {
		src, f := s.sourceLocked(kind, false), &flooding{first: []byte(data.Head)}
		for i := range src.elements {
			f.first = src.append(f.first, i)
			f.again = src.append(f.again, len(src.elements)+i)
		}
		s.floods[kind] = f
	}
	return s.floods[kind]
}

// serve is the server's process. It ends with ctx.
func serve(ctx context.Context, ready io.Writer) error {
	certificate, public, err := newCertificate()
	if err != nil {
		return err
	}
	s := &server{
		groups: make(map[string][]*stream), changed: make(chan struct{}),
		sources: make(map[sourceKey]*source), floods: make(map[data.Kind]*flooding),
	}
	at := address{Bases: make(map[string]string), Certificate: public}
	var serving sync.WaitGroup
	defer serving.Wait()
	for _, over := range []string{overTLS, overH2, overTCP} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		scheme := "https"
		if over == overTCP {
			scheme = "http"
		}
		at.Bases[over] = scheme + "://" + l.Addr().String()
		h := newHTTPServer(ctx, over, certificate, s.routes())
		defer h.Close()
		serving.Go(func() {
			if over == overTCP {
				_ = h.Serve(l)
			} else {
				_ = h.ServeTLS(l, "", "")
			}
		})
	}
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer raw.Close()
	at.Raw = raw.Addr().String()
	serving.Go(func() { pour(ctx, raw) })
	if err := json.NewEncoder(ready).Encode(at); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

func newHTTPServer(ctx context.Context, over string, certificate tls.Certificate, routes http.Handler) *http.Server {
	h := &http.Server{
		Handler:     routes,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    log.New(io.Discard, "", 0), // that clients leave is how they end
		Protocols:   new(http.Protocols),
		TLSConfig: &tls.Config{
			Certificates: []tls.Certificate{certificate},
			MinVersion:   tls.VersionTLS13,
			// What is written at once is to be one record.
			DynamicRecordSizingDisabled: true,
		},
	}
	h.Protocols.SetHTTP1(over != overH2)
	h.Protocols.SetHTTP2(over == overH2)
	return h
}

func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /flood/{kind}/me/GetNotifications", s.flood)
	mux.HandleFunc("POST /hang/{kind}/{group}/me/GetNotifications", s.hang)
	mux.HandleFunc("POST /hang/{kind}/{group}/me/subscriptions", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(map[string]string{"Id": data.SubscriptionID})
	})
	mux.HandleFunc("POST /control/send", s.send)
	mux.HandleFunc("POST /control/end", s.end)
	return mux
}

func kindOf(r *http.Request) (data.Kind, error) {
	for _, kind := range data.Kinds() {
		if kind.String() == r.PathValue("kind") {
			return kind, nil
		}
	}
	return 0, fmt.Errorf("no kind %q", r.PathValue("kind"))
}

// flood sends elements as fast as they are read, 64 KiB at a time.
func (s *server) flood(w http.ResponseWriter, r *http.Request) {
	kind, err := kindOf(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	out, err := newSender(w, r)
	if err != nil {
		return
	}
	defer out.close()
	f := s.flooding(kind)
	if send(out, f.first) != nil {
		return
	}
	framed := frames(out, f.again)
	for r.Context().Err() == nil {
		for _, f := range framed {
			if out.write(f) != nil {
				return
			}
		}
	}
}

// pour sends bytes without an end to whoever connects.
func pour(ctx context.Context, l net.Listener) {
	var connections sync.WaitGroup
	defer connections.Wait()
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		connections.Go(func() {
			defer conn.Close()
			stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
			defer stop()
			block := make([]byte, floodChunk)
			for err := error(nil); err == nil; {
				_, err = conn.Write(block)
			}
		})
	}
}
