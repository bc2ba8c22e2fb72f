package exchange

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	// firstRetry is how long the service waits after a notification that was not answered, before it tries again;
	// then twice as long, and so on.
	firstRetry = 30 * time.Second
	// pushPatience is how long an answer may take. Our choice.
	pushPatience = 30 * time.Second
	// maxPushAnswer is how much of one is read.
	maxPushAnswer = 64 << 10
)

// pusher tells one push subscription. Only its own goroutine uses it.
type pusher struct {
	server    *Server
	sub       *subscription
	wake      chan struct{} // has room for one
	watermark uint64        // all up to here has been told
}

// pushClient does not follow redirections: the service does not either, as far as anybody says.
func pushClient(transport http.RoundTripper) *http.Client {
	if transport == nil {
		transport = http.DefaultTransport.(*http.Transport).Clone()
	}
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// startPush is called once a push subscription is made and its maker was told. Deliveries go on until Close, which
// waits for them, or until the subscription is gone.
func (s *Server) startPush(sub *subscription) {
	p := &pusher{server: s, sub: sub, wake: make(chan struct{}, 1), watermark: sub.start}
	s.store.mu.Lock()
	sub.poke = func() {
		select {
		case p.wake <- struct{}{}:
		default:
		}
	}
	s.store.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.done:
		return
	default:
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.running.Go(func() {
		defer cancel()
		p.run(ctx)
		s.store.dropPush(sub)
	})
	s.running.Go(func() {
		select {
		case <-s.done:
			cancel()
		case <-ctx.Done():
		}
	})
}

func (s *store) dropPush(sub *subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !sub.gone {
		s.end(sub, "")
	}
}

// run tells what there is to tell, and otherwise every StatusFrequency that the subscription is alive. That is the first
// thing it tells, too, whatever has happened: so the service finds out whether there is anybody.
func (p *pusher) run(ctx context.Context) {
	if !p.tell(ctx, page{status: p.watermark}) {
		return
	}
	status := time.NewTimer(p.sub.push.frequency)
	defer status.Stop()
	for due := false; ; {
		now, alive := p.next()
		switch {
		case !alive:
			return
		case len(now.events) > 0 || due:
			if !p.tell(ctx, now) {
				return
			}
			due = false
			status.Reset(p.sub.push.frequency)
			continue
		}
		select {
		case <-p.wake:
		case <-status.C:
			due = true // what has happened in the same moment goes along
		case <-ctx.Done():
			return
		}
	}
}

// next is what comes now; false if the subscription is gone.
func (p *pusher) next() (page, bool) {
	p.server.store.mu.Lock()
	defer p.server.store.mu.Unlock()
	if p.sub.gone {
		return page{}, false
	}
	return p.sub.page(p.watermark)
}

// tell sends a notification until it is answered, or until the next try would come too late for StatusFrequency. It
// reports whether the subscription lives on.
func (p *pusher) tell(ctx context.Context, now page) bool {
	document := sendNotification(p.server.is(), now.content(p.sub.id, watermarkOf(p.watermark)))
	for wait := firstRetry; ; wait *= 2 {
		goOn, err := p.send(ctx, document)
		if err == nil {
			p.watermark = now.status
			if n := len(now.events); n > 0 {
				p.watermark = now.events[n-1].seq
			}
			return goOn
		}
		if wait > p.sub.push.frequency || !p.pause(ctx, wait) {
			return false
		}
	}
}

// pause reports whether there is still something to do afterwards.
func (p *pusher) pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return true
		case <-ctx.Done():
			return false
		case <-p.wake: // of no interest now, unless it is the end
			if _, alive := p.next(); !alive {
				return false
			}
		}
	}
}

var errNotAnAnswer = errors.New("that is no SendNotificationResult")

// send makes one attempt. It reports whether the answer wants more.
func (p *pusher) send(ctx context.Context, document string) (goOn bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, pushPatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.sub.push.url, bytes.NewReader([]byte(document)))
	if err != nil {
		return false, err
	}
	req.Header.Set("Content-Type", xmlContent)
	req.Header.Set("SOAPAction", `"`+nsMessages+`/SendNotification"`)
	resp, err := p.server.push.Do(req)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPushAnswer))
	if err != nil {
		return false, err
	}
	if resp.StatusCode != http.StatusOK {
		return false, fmt.Errorf("%w: status %d", errNotAnAnswer, resp.StatusCode)
	}
	return pushAnswer(body)
}

// pushAnswer reads what a listener says: OK, or Unsubscribe.
func pushAnswer(document []byte) (goOn bool, err error) {
	root, err := parse(document)
	if err != nil {
		return false, err
	}
	result := root.child(nsSoap, "Body").child(nsMessages, "SendNotificationResult")
	if root.name.Local != "Envelope" || root.name.Space != nsSoap || result == nil {
		return false, errNotAnAnswer
	}
	switch status := result.child(nsMessages, "SubscriptionStatus").value(); status {
	case "OK":
		return true, nil
	case "Unsubscribe":
		return false, nil
	default:
		return false, fmt.Errorf("%w: SubscriptionStatus %q", errNotAnAnswer, status)
	}
}

// sendNotification is the request that the service makes.
func sendNotification(v ServerVersion, content string) string {
	const operation = "m:SendNotification"
	return xmlDeclaration + `<soap11:Envelope xmlns:soap11="` + nsSoap + `"><soap11:Header><t:RequestServerVersion xmlns:t="` + nsTypes +
		`" Version="` + v.Schema + `"/></soap11:Header><soap11:Body><` + operation + ` xmlns:m="` + nsMessages + `" xmlns:t="` + nsTypes + `"><m:ResponseMessages><` +
		operation + `ResponseMessage ResponseClass="Success"><m:ResponseCode>` + codeNoError + `</m:ResponseCode>` +
		within("m:Notification", content) + `</` + operation + `ResponseMessage></m:ResponseMessages></` + operation + `></soap11:Body></soap11:Envelope>`
}
