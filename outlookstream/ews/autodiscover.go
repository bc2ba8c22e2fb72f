package ews

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/calwatch/calwatch/internal/reconnect"
	"github.com/calwatch/calwatch/internal/service"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/ews/internal/autodiscover"
)

// OnlineServer is where Exchange Online has Autodiscover.
const OnlineServer = "https://outlook.office365.com"

// AutodiscoverOptions say whom [Client.Autodiscover] asks, and whom it believes.
type AutodiscoverOptions struct {
	// Servers are asked one after the other until one answers:
	// "https://mail.contoso.com". They must be https, or http on a loopback
	// address. Default: OnlineServer, with Bearer and Options.URL Exchange Online's;
	// else those that the domain of each address leads to,
	// https://autodiscover.contoso.com and https://contoso.com, which get no
	// credentials before they have asked for some. (There are no look-ups by plain
	// http or in the DNS: anybody on the way could answer them.)
	Servers []string

	// AllowRedirect is asked about servers that others name, and that would not
	// get credentials otherwise: those that are neither one of Servers, nor within
	// the domain of address, nor Exchange Online's. Plain http is never allowed.
	// Default: none of them. (.NET's RedirectionUrlValidationCallback is asked
	// about all.) It is called by Autodiscover and by watches, one call of a Client at
	// a time, and must not call Autodiscover itself.
	AllowRedirect func(address string, to *url.URL) bool
}

// UserSettings say where a mailbox is.
type UserSettings struct {
	URL      string // of Exchange Web Services: Options.URL. Always https, or http on a loopback address
	Grouping string // GroupingInformation: mailboxes with the same URL and the same of this can share a stream; "" if the service did not say
	Version  string // of the server, "15.1.2507.17"; "" if the service did not say
	// Err is nil, or why there is nothing else: an *Error (ErrMailboxUnavailable if
	// there is no such mailbox), or what became of all servers that were asked.
	Err error
}

// Autodiscover asks where mailboxes are, by their SMTP addresses, which are the
// keys of what it returns. Servers are asked by SOAP about a hundred mailboxes at
// a time; where that is switched off about one at a time, by "POX", and at last by
// the JSON form, which does not tell Grouping. Ten redirects are followed. Where
// servers depend on the domains of addresses, eight domains are asked at a time,
// so that one whose servers do not answer keeps few others waiting.
//
// An error means that nothing was found out: the credentials were refused, which
// is not tried again elsewhere, or ctx ended.
func (c *Client) Autodiscover(ctx context.Context, addresses ...string) (map[string]UserSettings, error) {
	servers, err := c.autodiscoverServers()
	if err != nil {
		return nil, err
	}
	if len(servers) > 0 {
		return c.discoverBatch(ctx, servers, addresses)
	}
	return c.discoverDomains(ctx, byDomain(addresses))
}

const opAutodiscover = "Autodiscover"

// autodiscoverError makes the service's own words an *Error.
func autodiscoverError(address string, err error) error {
	if err == nil {
		return nil
	}
	if said, ok := errors.AsType[*autodiscover.Failure](err); ok {
		return &Error{Op: opAutodiscover, Mailbox: address, Status: http.StatusOK, Code: said.Code, Message: said.Message}
	}
	return fmt.Errorf("ews: Autodiscover of %s: %w", address, err)
}

// askAutodiscover makes one request.
func (s *Session) askAutodiscover(ctx context.Context, lease *reconnect.Lease, req *http.Request, addresses []string, credentials bool) (autodiscover.Answer, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(s.client.timeout, func() { cancel(errNoAnswer) })
	defer timer.Stop()
	s.client.setHeader(req)
	req.Header.Set("X-AnchorMailbox", addresses[0])
	if req.Method == http.MethodGet {
		req.Header.Del("Content-Type")
		req.Header.Set("Accept", "application/json")
	}
	req = req.WithContext(reconnect.LimitTries(ctx, cancel))

	r := request{op: opAutodiscover}
	if len(addresses) == 1 {
		r.mailbox = addresses[0]
	}
	traced := TraceAnswered{Op: r.op, Mailbox: r.mailbox}
	start := time.Now()
	answer, err := s.readAutodiscover(ctx, lease, req, r, credentials, &traced)
	s.finish(&traced, start, r, err)
	answer.Status = traced.Status
	return answer, traced.Err
}

func (s *Session) readAutodiscover(ctx context.Context, lease *reconnect.Lease, req *http.Request, r request, credentials bool, traced *TraceAnswered) (autodiscover.Answer, error) {
	g := nobody()
	if credentials {
		var err error
		if g, err = s.client.auth.grant(ctx, req.URL.Hostname()); err != nil {
			return autodiscover.Answer{}, fmt.Errorf("getting credentials: %w", err)
		}
	}
	a, err := s.sendWith(ctx, lease, g, req, r, traced)
	if elsewhere, ok := errors.AsType[*redirectError](err); ok {
		return autodiscover.Answer{Location: elsewhere.location()}, nil
	}
	if err != nil {
		return autodiscover.Answer{}, err
	}
	defer a.Body.Close()
	limit := s.client.opts.MaxEnvelope
	body, err := io.ReadAll(io.LimitReader(a.Body, int64(limit)+1))
	switch {
	case err != nil:
		lease.Abandon()
		return autodiscover.Answer{}, service.Cleaned(service.Because(ctx, err), a.present)
	case len(body) > limit:
		return autodiscover.Answer{}, fmt.Errorf("%w: an answer of more than %d bytes", outlookstream.ErrMalformed, limit)
	}
	return autodiscover.Answer{Body: body, Present: a.present}, nil
}
