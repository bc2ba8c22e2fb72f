package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// plain does what the library does, with net/http alone: the same requests,
// no watchdog, no reconnection.
type plain struct {
	http     *http.Client
	config   clientConfig
	seen     *seen
	selected string
}

func newPlain(h *holding, transport *http.Transport) (*plain, error) {
	names, err := selected()
	if err != nil {
		return nil, err
	}
	if h.config.Mode == modeBare && h.config.Buffer <= 0 {
		return nil, errors.New("a buffer of no size")
	}
	return &plain{http: &http.Client{Transport: transport}, config: h.config, seen: h.seen, selected: strings.Join(names, "%2C")}, nil
}

func (p *plain) watch(ctx context.Context, i int) error {
	resp, err := p.open(ctx, i)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if p.config.Mode == modeStd {
		return p.decode(resp.Body, i)
	}
	return p.read(resp.Body, i)
}

func (p *plain) open(ctx context.Context, i int) (*http.Response, error) {
	var made struct{ ID string }
	resp, err := p.post(ctx, "subscriptions", map[string]any{
		"@odata.type": "#Microsoft.OutlookServices.StreamingSubscription",
		"Resource":    p.config.API + "/" + resource(i) + "?%24select=" + p.selected,
		"ChangeType":  "Created,Updated,Deleted",
	})
	if err != nil {
		return nil, err
	}
	err = json.NewDecoder(resp.Body).Decode(&made)
	if _, rest := io.Copy(io.Discard, resp.Body); err == nil {
		err = rest // the connection is used again only if all was read
	}
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	return p.post(ctx, "GetNotifications", map[string]any{
		"ConnectionTimeoutInMinutes":             60,
		"KeepAliveNotificationIntervalInSeconds": int(p.config.KeepAlive / time.Second),
		"SubscriptionIds":                        []string{made.ID},
	})
}

func (p *plain) post(ctx context.Context, what string, body any) (*http.Response, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.config.API+"/users/"+mailbox(0)+"/"+what, strings.NewReader(string(encoded)))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+p.config.Tokens[0])
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("User-Agent", "calwatch")
	resp, err := p.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		resp.Body.Close()
		return nil, fmt.Errorf("%s: %s", what, resp.Status)
	}
	return resp, nil
}

// read takes what comes, and looks for nothing in it but stamps.
func (p *plain) read(body io.Reader, i int) error {
	buf := make([]byte, p.config.Buffer)
	p.seen.opened(i, "")
	for {
		n, err := body.Read(buf)
		if stampAt(buf[:n]) >= 0 {
			p.seen.changed(i, "", buf[:n])
		}
		if err != nil {
			return err
		}
	}
}

// decode is the loop that the documentation of encoding/json shows.
func (p *plain) decode(body io.Reader, i int) error {
	d := json.NewDecoder(body)
	p.seen.opened(i, "")
	for {
		token, err := d.Token()
		if err != nil {
			return err
		}
		if token == json.Delim('[') {
			break
		}
	}
	for d.More() {
		var n struct {
			SubscriptionID string `json:"SubscriptionId"`
			ResourceData   json.RawMessage
		}
		if err := d.Decode(&n); err != nil {
			return err
		}
		if n.ResourceData != nil {
			p.seen.changed(i, "", n.ResourceData)
		}
	}
	return io.ErrUnexpectedEOF
}
