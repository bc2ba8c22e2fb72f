//go:build realnet && linux

package realnet

import (
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
