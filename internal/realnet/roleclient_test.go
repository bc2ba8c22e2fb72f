//go:build realnet && linux

package realnet

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

const watchedPath = "me/events"

type clientConfig struct {
	EWS       bool          // over Exchange Web Services
	HTTP2     bool          // which they are not spoken over by default
	NTLM      bool          // with that instead of a token, in the name of the first of watchedMailboxes
	CertFile  string        // whom to trust
	KeepAlive time.Duration // or what Exchange's heartbeat is expected to be
}

// playClient is a program that watches, as any user of the library would write
// it, and tells of all that it sees.
func playClient(c clientConfig) error {
	tell := teller()
	transport, err := transportTrusting(c.CertFile)
	if err != nil {
		return err
	}
	client, err := outlookstream.New(auth.Cached(tokensOfTheTest(tell)), &outlookstream.Options{
		Endpoint:   "https://" + net.JoinHostPort(serverIP, port) + "/api/beta",
		HTTPClient: &http.Client{Transport: transport},
		KeepAlive:  c.KeepAlive,
		Trace:      tracing(tell),
	})
	if err != nil {
		return err
	}
	for event, err := range client.Watch(context.Background(), outlookstream.Resource{Path: watchedPath}) {
		if err != nil {
			tell(record{What: whatEnded, Err: err.Error()})
			return err
		}
		tell(recordOf(event))
	}
	return nil
}

// teller tells on standard output what happened, and when.
func teller() (tell func(record)) {
	out := newPrinter(os.Stdout)
	return func(r record) {
		r.At = time.Now()
		out.print(r)
	}
}

func recordOf(event outlookstream.Event) record {
	r := record{What: whatEvent, Kind: event.Kind.String(), Resource: event.Resource, ID: event.ID}
	if event.Reason != nil {
		r.Reason = reasonName(event.Reason)
		r.Err = event.Reason.Error()
	}
	return r
}

// transportTrusting is the library's own transport, but for whom it trusts.
func transportTrusting(certFile string) (*http.Transport, error) {
	pem, err := os.ReadFile(certFile)
	if err != nil {
		return nil, err
	}
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(pem) {
		return nil, errors.New("there is no certificate in the file")
	}
	transport := outlookstream.NewTransport()
	transport.TLSClientConfig = &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}
	return transport, nil
}

// tokensOfTheTest asks for a token on standard output, and waits for it on
// standard input, by whose end this process ends, too.
func tokensOfTheTest(tell func(record)) auth.Provider {
	answers := make(chan string)
	go func() {
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			answers <- lines.Text()
		}
		os.Exit(0)
	}()
	var one sync.Mutex // so that nobody gets another's answer
	return auth.Func(func(ctx context.Context, _ auth.Request) (auth.Token, error) {
		one.Lock()
		defer one.Unlock()
		tell(record{What: whatWantsToken})
		select {
		case value := <-answers:
			return auth.Token{Value: value, ExpiresOn: time.Now().Add(24 * time.Hour)}, nil
		case <-ctx.Done():
			return auth.Token{}, context.Cause(ctx)
		}
	})
}

func tracing(tell func(record)) *outlookstream.Trace {
	return &outlookstream.Trace{
		Answered: func(t outlookstream.TraceAnswered) {
			tell(record{What: whatAnswered, Op: t.Op, Status: t.Status, Took: t.Duration, Err: textOf(t.Err)})
		},
		Connected: func(t outlookstream.TraceConnected) { tell(record{What: whatConnected, Protocol: t.Protocol}) },
		Live:      func(outlookstream.TraceLive) { tell(record{What: whatLive}) },
		Disconnected: func(t outlookstream.TraceDisconnected) {
			tell(record{What: whatDisconnected, Err: textOf(t.Err), Idle: errors.Is(t.Err, outlookstream.ErrIdle), Took: t.Duration})
		},
		Waiting: func(t outlookstream.TraceWaiting) {
			tell(record{What: whatWaiting, Err: textOf(t.Err), Delay: t.Delay})
		},
	}
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// reasonName is the name of a Resync's Reason, as the caller tells them apart.
func reasonName(reason error) string {
	for _, known := range []struct {
		err  error
		name string
	}{
		{ews.ErrPulling, "ErrPulling"}, // is another, too
		{outlookstream.ErrStarted, "ErrStarted"}, {outlookstream.ErrReconnected, "ErrReconnected"}, {outlookstream.ErrResubscribed, "ErrResubscribed"},
		{outlookstream.ErrMissed, "ErrMissed"}, {outlookstream.ErrSequence, "ErrSequence"}, {outlookstream.ErrRemoved, "ErrRemoved"},
	} {
		if errors.Is(reason, known.err) {
			return known.name
		}
	}
	return strings.TrimSpace(fmt.Sprint("unknown: ", reason))
}
