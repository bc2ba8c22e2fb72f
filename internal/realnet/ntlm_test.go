//go:build realnet && linux

package realnet

import (
	"strings"
	"syscall"
	"time"
)

// ntlmFaults are of connections that were authenticated, and have to be again.
var ntlmFaults = []fault{
	{
		name:      "with NTLM: server process frozen (SIGSTOP) for 25 s",
		protocols: []string{"ews"}, ntlm: true,
		begin:  func(w *world) { w.server().signal(syscall.SIGSTOP) },
		lasts:  25 * time.Second,
		end:    func(w *world) { w.server().signal(syscall.SIGCONT) },
		silent: true, reason: "ErrReconnected",
	},
	{
		name:      "with NTLM: packets of this connection dropped for good, of new ones not",
		protocols: []string{"ews"}, ntlm: true,
		begin:  forgetConnections,
		silent: true, reason: "ErrReconnected",
	},
	{
		name:      "with NTLM: server killed (SIGKILL), started again after 10 s, all forgotten",
		protocols: []string{"ews"}, ntlm: true,
		begin: func(w *world) { w.server().kill() },
		lasts: 10 * time.Second, end: (*world).restart,
		reason: "ErrResubscribed",
	},
	{
		name:      "with NTLM: through a relay of TCP",
		protocols: []string{"ews"}, ntlm: true, relay: true,
		lasts: 20 * time.Second, own: (*fault).livesOn,
	},
	{
		name:      "with NTLM: through nginx (`proxy_pass`), which takes another connection for each request",
		protocols: []string{"ews"}, ntlm: true, proxy: unbuffered,
		says: "a proxy on the way breaks NTLM", own: (*fault).refused,
	},
	{
		name:      "with NTLM: half-closed TCP",
		protocols: []string{"ews"}, ntlm: true, relay: true,
		begin:  func(w *world) { w.tell("half-close") },
		reason: "ErrReconnected",
	},
	{
		name:      "with NTLM: a proxy that passes the header on and withholds the body: pull",
		protocols: []string{"ews"}, ntlm: true, withhold: "body",
		says: "the connection was silent for too long", own: (*fault).pulled,
	},
}

// refused is the course of a watch that cannot begin, and says why.
func (f *fault) refused(w *world) row {
	start := time.Now()
	select {
	case <-w.client.done:
	case <-time.After(patience):
		w.t.Fatal("the watch goes on")
	}
	all := w.client.all()
	ended, ok := first(all, whatEnded)
	if !ok || !strings.Contains(ended.Err, f.says) {
		w.t.Errorf("a person would not understand %q", ended.Err)
	}
	attempts := 0
	for _, r := range all {
		if r.What == whatAnswered {
			attempts++
		}
	}
	if attempts > 2 {
		w.t.Errorf("%d attempts with a password that was refused", attempts)
	}
	return row{note: "the watch ended after " + seconds(ended.At.Sub(start)) + ", and says what may be wrong | – | –", saw: reasons(all)} // nothing was made
}
