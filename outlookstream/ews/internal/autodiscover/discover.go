package autodiscover

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// Settings are where one mailbox is.
type Settings struct {
	URL      string // of Exchange Web Services
	Grouping string // GroupingInformation: mailboxes with the same can share a stream; "" if the service did not say
	Version  string // of the server, "15.1.2507.17"; "" if the service did not say
}

// A Result is what there is to say about one address.
type Result struct {
	Settings
	Err error // nil if there are Settings
}

// An Answer is what a server said.
type Answer struct {
	Status   int    // 0: there was none
	Location string // of a redirect
	Body     []byte // of status 200
	Present  func(text string, limit int) string
}

// A Sender makes one request, which is about addresses. It follows no redirects.
// The error says whatever is not status 200 and not a redirect.
type Sender func(ctx context.Context, r *http.Request, addresses []string, credentials bool) (Answer, error)

// Config says whom to ask.
type Config struct {
	Servers []*url.URL                             // asked in place of those that addresses lead to; may be empty
	Allow   func(address string, to *url.URL) bool // whether a server of others gets credentials; may be nil
	Send    Sender
}

const (
	// maxBatch is how many mailboxes Exchange Online takes in one request.
	maxBatch = 100
	// maxHops is how many redirects the documentation has clients follow.
	maxHops = 10
)

// A Failure is what the service said about an address instead of settings.
type Failure struct {
	Address string
	Code    string // "InvalidUser"
	Message string
}

func (f *Failure) Error() string {
	return fmt.Sprintf("Autodiscover of %s: %s: %s", f.Address, f.Code, f.Message)
}

// Discover asks about all addresses, each of which the map has in the end. The
// error is one that is about none of them: credentials were refused, ctx ended.
func Discover(ctx context.Context, c Config, addresses []string) (map[string]Result, error) {
	d := &discovery{Config: c, results: make(map[string]Result, len(addresses)), probed: make(map[endpoint]probe)}
	for _, address := range addresses {
		if _, twice := d.results[address]; twice {
			continue
		}
		d.results[address] = Result{}
		u := &user{asked: address, address: address}
		if err := d.begin(u); err != nil {
			d.fail(u, err)
			continue
		}
		d.pending = append(d.pending, u)
	}
	for len(d.pending) > 0 {
		if err := d.round(ctx); err != nil {
			return nil, err
		}
	}
	return d.results, nil
}

type discovery struct {
	Config
	results map[string]Result
	pending []*user
	probed  map[endpoint]probe
}

func (d *discovery) fail(u *user, err error) {
	u.done = true
	d.results[u.asked] = Result{Err: err}
}

func (d *discovery) found(u *user, s Settings) {
	if err := checkURL(s.URL); err != nil {
		d.fail(u, err)
		return
	}
	u.done = true
	d.results[u.asked] = Result{Settings: s}
}

// checkURL: credentials will be sent there.
func checkURL(raw string) error {
	if raw == "" {
		return fmt.Errorf("%w: Autodiscover knows the mailbox, and no address of Exchange Web Services for it (are they published?)", outlookstream.ErrMalformed)
	}
	if _, err := parseSafe(raw); err != nil {
		return fmt.Errorf("the address of Exchange Web Services: %w", err)
	}
	return nil
}

// round asks one endpoint, about as many of those as wait for it as it takes.
func (d *discovery) round(ctx context.Context) error {
	at := d.pending[0].queue[0]
	var batch []*user
	for _, u := range d.pending {
		if u.queue[0] == at && len(batch) < at.kind.batch() {
			batch = append(batch, u)
		}
	}
	if err := d.ask(ctx, at, batch); err != nil {
		return err
	}
	left := d.pending[:0]
	for _, u := range d.pending {
		if !u.done && len(u.queue) == 0 {
			d.fail(u, nobodyKnew(u))
		}
		if !u.done {
			left = append(left, u)
		}
	}
	d.pending = left
	return nil
}

// ask asks at about all of batch.
func (d *discovery) ask(ctx context.Context, at endpoint, batch []*user) error {
	addresses := make([]string, len(batch))
	for i, u := range batch {
		addresses[i] = u.address
	}
	answer, err := d.send(ctx, at, addresses)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case isFinal(err) && at.kind != jsonKind:
		return err
	case errors.Is(err, outlookstream.ErrThrottled) || answer.Status == http.StatusServiceUnavailable:
		for _, u := range batch { // others would be no help
			d.fail(u, err)
		}
	case err != nil:
		for _, u := range batch {
			u.next(attempt{at, answer.Status != 0, err})
		}
	case answer.Location != "":
		for _, u := range batch {
			d.follow(u, at, answer.Location)
		}
	default:
		d.read(at, batch, answer)
	}
	return nil
}

// send asks for credentials only whom it can be sure of, or who asks for them:
// names made of a domain may lead to anybody's web page.
func (d *discovery) send(ctx context.Context, at endpoint, addresses []string) (Answer, error) {
	if at.guessed && at.kind != jsonKind {
		if answer, err := d.probe(ctx, at, addresses); err != nil || answer.Location != "" {
			return answer, err
		}
	}
	r, err := at.request(ctx, addresses)
	if err != nil {
		return Answer{}, err
	}
	return d.Send(ctx, r, addresses, at.kind != jsonKind)
}

// A probe is what an endpoint said to somebody without credentials; an error if
// it did not ask for any.
type probe struct {
	answer Answer
	err    error
}

func (d *discovery) probe(ctx context.Context, at endpoint, addresses []string) (Answer, error) {
	if known, ok := d.probed[at]; ok {
		return known.answer, known.err
	}
	r, err := at.request(ctx, addresses[:1])
	if err != nil {
		return Answer{}, err
	}
	answer, err := d.Send(ctx, r, addresses[:1], false)
	switch {
	case errors.Is(err, outlookstream.ErrUnauthorized):
		err = nil
	case err == nil && answer.Location == "":
		err = fmt.Errorf("%w: it answers whoever asks, as Autodiscover does not", outlookstream.ErrMalformed)
	}
	d.probed[at] = probe{answer, err}
	return answer, err
}

// isFinal reports whether an error would be the same everywhere, and must not be
// tried for: passwords are locked after a few.
func isFinal(err error) bool {
	return errors.Is(err, outlookstream.ErrUnauthorized) || errors.Is(err, auth.ErrRejected) || errors.Is(err, auth.ErrInteractionRequired)
}

// read reads an answer of status 200.
func (d *discovery) read(at endpoint, batch []*user, answer Answer) {
	responses, err := at.kind.parse(answer.Body, len(batch), answer.Present)
	for i, u := range batch {
		if err != nil {
			u.next(attempt{at, true, err})
			continue
		}
		switch r := responses[i]; {
		case r.redirectAddress != "":
			d.readdress(u, r.redirectAddress)
		case r.redirectURL != "":
			d.follow(u, at, r.redirectURL)
		case r.failure != nil:
			r.failure.Address = u.asked
			d.fail(u, r.failure)
		default:
			d.found(u, r.settings)
		}
	}
}
