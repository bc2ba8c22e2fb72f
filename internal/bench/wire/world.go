package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/calwatch/calwatch/internal/bench/data"
)

// A world is a server in another process, and the clients that this process
// starts one after the other.
type world struct {
	server *process
	at     address
	groups int // how many there have been

	profiles string // a directory
}

func newWorld(ctx context.Context) (*world, error) {
	p, err := start(ctx, "server", nil)
	if err != nil {
		return nil, err
	}
	w := &world{server: p}
	return w, p.hear(&w.at)
}

func (w *world) close() error { return w.server.end() }

func (w *world) client(contestant, over string, kind data.Kind) clientConfig {
	return clientConfig{Contestant: contestant, Over: over, Certificate: w.at.Certificate, Kind: kind, Streams: 1}
}

// flood has a client read as fast as it can.
func (w *world) flood(ctx context.Context, c clientConfig) (clientResult, error) {
	c.URL = fmt.Sprintf("%s/flood/%s", w.at.Bases[c.Over], c.Kind)
	if w.profiles != "" {
		c.Profile = fmt.Sprintf("%s/flood-%s-%s-%s.pprof", w.profiles, c.Over, c.Kind, c.Contestant)
	}
	p, err := start(ctx, "client", c)
	if err != nil {
		return clientResult{}, err
	}
	return result[clientResult](p)
}

// A hanging is a client whose streams send what they are told to.
type hanging struct {
	world  *world
	client *process
	order  order
	sent   []int64 // the machine's clock, for each element
}

func (w *world) hang(ctx context.Context, c clientConfig, o order) (*hanging, error) {
	w.groups++
	o.Group, o.Streams = fmt.Sprint(w.groups), c.Streams
	c.URL = fmt.Sprintf("%s/hang/%s/%s", w.at.Bases[c.Over], c.Kind, o.Group)
	c.Numbered = true
	if w.profiles != "" {
		c.Profile = fmt.Sprintf("%s/hang-%s-%s-%d-%s-%s.pprof", w.profiles, c.Over, c.Kind, c.Streams, o.Form, c.Contestant)
	}
	p, err := start(ctx, "client", c)
	return &hanging{world: w, client: p, order: o}, err
}

// send has the server send count elements more.
func (h *hanging) send(ctx context.Context, count int) error {
	o := h.order
	o.Count = count
	encoded, err := json.Marshal(o)
	if err != nil {
		return err
	}
	answer, err := h.world.control(ctx, "send", encoded)
	if err != nil {
		return err
	}
	var sent []int64
	if err := json.Unmarshal(answer, &sent); err != nil {
		return err
	}
	h.sent = append(h.sent, sent...)
	return nil
}

// end returns what the client measured.
func (h *hanging) end(ctx context.Context) (clientResult, error) {
	r, err := result[clientResult](h.client)
	if _, ended := h.world.control(ctx, "end?group="+h.order.Group, nil); err == nil {
		err = ended
	}
	return r, err
}

func (w *world) control(ctx context.Context, what string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.at.Bases[overTCP]+"/control/"+what, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", what, resp.Status, answer)
	}
	return answer, err
}
