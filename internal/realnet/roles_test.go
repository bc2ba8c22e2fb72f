//go:build realnet && linux

package realnet

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// This test binary is also the server and the client: it runs itself, in
// another namespace, with a role in the environment.
const (
	roleVariable   = "CALWATCH_REALNET_ROLE"
	configVariable = "CALWATCH_REALNET_CONFIG" // JSON
)

// playRole plays the role in the environment, if there is one. Each ends when
// its standard input does, so that none outlives the test.
func playRole() (played bool, err error) {
	config := []byte(os.Getenv(configVariable))
	switch role := os.Getenv(roleVariable); role {
	case "":
		return false, nil
	case "server":
		var c serverConfig
		if err := json.Unmarshal(config, &c); err != nil {
			return true, err
		}
		return true, playServer(c)
	case "client":
		var c clientConfig
		if err := json.Unmarshal(config, &c); err != nil {
			return true, err
		}
		if c.EWS {
			return true, playExchangeClient(c)
		}
		return true, playClient(c)
	default:
		return true, fmt.Errorf("there is no role %q", role)
	}
}

// An order is what the test tells a server to do, a line of JSON on its
// standard input.
type order struct {
	Number   int    `json:"number"`
	Do       string `json:"do"`                 // "change", "token", "app token", "peers", "half-close", "pass on"
	Resource string `json:"resource,omitempty"` // where to make the change: watchedPath, or a mailbox
	ID       string `json:"id,omitempty"`       // of the item to create
}

// A reply is what the server says about it, on its standard output. The first
// one, of number 0, says that it listens.
type reply struct {
	Number int       `json:"number"`
	Time   time.Time `json:"time,omitzero"` // of the change
	Token  string    `json:"token,omitempty"`
	Peers  []string  `json:"peers,omitempty"` // addresses of those connected
	Err    string    `json:"err,omitempty"`
}

// A record is what a client says, on its standard output, about what happened
// in it.
type record struct {
	At       time.Time     `json:"at"`
	What     string        `json:"what"`
	Kind     string        `json:"kind,omitempty"`
	Resource string        `json:"resource,omitempty"`
	ID       string        `json:"id,omitempty"`
	Reason   string        `json:"reason,omitempty"`
	Protocol string        `json:"protocol,omitempty"`
	Op       string        `json:"op,omitempty"`
	Status   int           `json:"status,omitempty"`
	Delay    time.Duration `json:"delay,omitempty"`
	Took     time.Duration `json:"took,omitempty"`
	Idle     bool          `json:"idle,omitempty"`
	Err      string        `json:"err,omitempty"`
}

// What a record may be about.
const (
	whatWantsToken   = "wants a token" // the answer is a line on the client's standard input
	whatAnswered     = "answered"
	whatConnected    = "connected"
	whatLive         = "live"
	whatDisconnected = "disconnected"
	whatWaiting      = "waiting"
	whatPulling      = "pulling"
	whatEvent        = "event"
	whatAside        = "aside" // an event that comes with the one of a change
	whatEnded        = "ended"
)

// A printer writes lines of JSON.
type printer struct {
	mu sync.Mutex
	to *json.Encoder
}

func newPrinter(w io.Writer) *printer { return &printer{to: json.NewEncoder(w)} }

func (p *printer) print(v any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.to.Encode(v) // the test is gone: so is the reason to go on, and the input tells
}

// eachLine calls do with every line of r that is a JSON T.
func eachLine[T any](r io.Reader, do func(T)) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var v T
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			return fmt.Errorf("%w: %s", err, lines.Bytes())
		}
		do(v)
	}
	return lines.Err()
}
