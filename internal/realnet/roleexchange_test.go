//go:build realnet && linux

package realnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// watchedMailboxes share one stream.
var watchedMailboxes = []string{"alex@contoso.test", "room1@contoso.test", "room2@contoso.test"}

const (
	exchangeAnswering = 20 * time.Second // the library's own is a minute: to keep the run short
	pullInterval      = 2 * time.Second  // instead of 30 s, for the same reason
)

// playExchangeClient is playClient for a service account that watches several
// mailboxes over Exchange Web Services.
func playExchangeClient(c clientConfig) error {
	tell := teller()
	transport, err := transportTrusting(c.CertFile)
	if err != nil {
		return err
	}
	if !c.HTTP2 { // as without a Transport
		transport.ForceAttemptHTTP2 = false
		transport.Protocols = new(http.Protocols)
		transport.Protocols.SetHTTP1(true)
	}
	who := ews.Bearer(auth.Cached(tokensOfTheTest(tell))) // ends with the test, whoever signs in
	if c.NTLM {
		who = ews.NTLM(watchedMailboxes[0], func(context.Context) (string, error) { return fakeserver.DefaultPassword, nil })
	}
	client, err := ews.New(who, &ews.Options{
		URL:          "https://" + net.JoinHostPort(serverIP, port) + "/EWS/Exchange.asmx",
		HTTPClient:   &http.Client{Transport: transport, Timeout: exchangeAnswering},
		Impersonate:  true,
		Heartbeat:    c.KeepAlive,
		PullInterval: pullInterval,
		Trace:        exchangeTracing(tell),
	})
	if err != nil {
		return err
	}
	var mailboxes []ews.Mailbox
	for _, address := range watchedMailboxes {
		mailboxes = append(mailboxes, ews.Mailbox{Address: address, Folders: ews.Distinguished("calendar")})
	}
	for event, err := range client.Watch(context.Background(), mailboxes...) {
		if err != nil {
			tell(record{What: whatEnded, Err: err.Error()})
			return err
		}
		r := recordOf(event)
		if native, ok := event.Native.(*ews.Event); ok && native.Type != ews.CreatedEvent {
			r.What = whatAside // the folder and the free/busy times have changed with the item
		}
		tell(r)
	}
	return nil
}

func exchangeTracing(tell func(record)) *ews.Trace {
	return &ews.Trace{
		Answered: func(t ews.TraceAnswered) {
			tell(record{What: whatAnswered, Op: t.Op, Resource: t.Mailbox, Status: t.Status, Took: t.Duration, Err: textOf(t.Err)})
		},
		Connected: func(t ews.TraceConnected) { tell(record{What: whatConnected, Protocol: t.Protocol}) },
		Live:      func(ews.TraceLive) { tell(record{What: whatLive}) },
		Disconnected: func(t ews.TraceDisconnected) {
			tell(record{What: whatDisconnected, Err: textOf(t.Err), Idle: errors.Is(t.Err, outlookstream.ErrIdle), Took: t.Duration})
		},
		Waiting: func(t ews.TraceWaiting) { tell(record{What: whatWaiting, Err: textOf(t.Err), Delay: t.Delay}) },
		Pulling: func(t ews.TracePulling) {
			tell(record{What: whatPulling, Err: fmt.Sprintf("%v (until %v)", t.Err, t.Until)})
		},
	}
}
