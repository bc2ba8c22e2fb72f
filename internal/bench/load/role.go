package load

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

const (
	roleVariable   = "CALWATCH_LOAD_ROLE"
	configVariable = "CALWATCH_LOAD_CONFIG" // JSON
)

// Play plays the role that this process was started for, if there is one; then
// the process has nothing else to do. Every program that calls [Run] has to
// call it first.
func Play() (played bool, err error) {
	config := []byte(os.Getenv(configVariable))
	switch role := os.Getenv(roleVariable); role {
	case "":
		return false, nil
	case roleServer:
		var c serverConfig
		if err := json.Unmarshal(config, &c); err != nil {
			return true, err
		}
		return true, playServer(c)
	case roleClient:
		var c clientConfig
		if err := json.Unmarshal(config, &c); err != nil {
			return true, err
		}
		return true, playClient(c)
	case roleExchange:
		var c exchangeConfig
		if err := json.Unmarshal(config, &c); err != nil {
			return true, err
		}
		return true, playExchange(c)
	case roleWatch:
		var c watchConfig
		if err := json.Unmarshal(config, &c); err != nil {
			return true, err
		}
		return true, playWatch(c)
	default:
		return true, fmt.Errorf("load: there is no role %q", role)
	}
}

const (
	roleServer = "server"
	roleClient = "client"
	// The same for Exchange Web Services.
	roleExchange = "exchange"
	roleWatch    = "watch"
)

// An order is what a process is told, a line of JSON on its standard input. Its
// end is the end of the process, so that none outlives who started it.
type order struct {
	Do   string          `json:"do"`
	With json.RawMessage `json:"with,omitempty"`
}

// A reply is what it answers on its standard output, one to each order and one
// of its own at first.
type reply struct {
	Err  string          `json:"err,omitempty"`
	Says json.RawMessage `json:"says,omitempty"`
}

// obey carries out orders until there are no more.
func obey(ready any, do func(order) (any, error)) error {
	out := json.NewEncoder(os.Stdout)
	answer := func(says any, err error) error {
		var r reply
		if err != nil {
			r.Err = err.Error()
		} else if r.Says, err = json.Marshal(says); err != nil {
			return err
		}
		return out.Encode(r)
	}
	if err := answer(ready, nil); err != nil {
		return err
	}
	in := json.NewDecoder(bufio.NewReader(os.Stdin))
	for {
		var o order
		if err := in.Decode(&o); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := answer(do(o)); err != nil {
			return err
		}
	}
}

// with reads what an order comes with.
func with[T any](o order) (T, error) {
	var v T
	err := json.Unmarshal(o.With, &v)
	return v, err
}
