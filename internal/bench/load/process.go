package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// A process is this program in a role.
type process struct {
	role string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *json.Decoder
	end  sync.Once
}

// orderLimit is how long a process may take over one order.
const orderLimit = 5 * time.Minute

// start starts this program in a role, and decodes what it says at first. ctx
// ends it.
func start(ctx context.Context, role string, config, ready any) (*process, error) {
	encoded, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	own, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{role: role, cmd: exec.CommandContext(ctx, own)}
	p.cmd.Env = append(os.Environ(), roleVariable+"="+role, configVariable+"="+string(encoded), "NO_PROXY=*")
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	p.out = json.NewDecoder(out)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if err := p.reply("start", ready); err != nil {
		p.kill()
		return nil, err
	}
	return p, nil
}

// do has an order carried out, and decodes the answer into says, if that is not
// nil. A process that takes too long is killed.
func (p *process) do(what string, with, says any) error {
	o := order{Do: what}
	if with != nil {
		var err error
		if o.With, err = json.Marshal(with); err != nil {
			return err
		}
	}
	timer := time.AfterFunc(orderLimit, p.kill)
	defer timer.Stop()
	if err := json.NewEncoder(p.in).Encode(o); err != nil {
		return fmt.Errorf("telling the %s to %s: %w", p.role, what, err)
	}
	return p.reply(what, says)
}

func (p *process) reply(what string, says any) error {
	var r reply
	if err := p.out.Decode(&r); err != nil {
		return fmt.Errorf("the %s did not answer to %s: %w", p.role, what, err)
	}
	if r.Err != "" {
		return fmt.Errorf("%s: %s: %w", p.role, what, errors.New(r.Err))
	}
	if says == nil {
		return nil
	}
	return json.Unmarshal(r.Says, says)
}

// signal goes to this process alone.
func (p *process) signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }

// kill ends it at once, stopped or not, and waits until it is gone.
func (p *process) kill() {
	p.end.Do(func() {
		_ = p.cmd.Process.Kill() // gone already is fine
		_ = p.cmd.Wait()         // killed is no news
	})
}
