//go:build realnet && linux

package realnet

import (
	"syscall"
	"time"
)

var frozenFaults = []fault{
	{
		name:   "server process frozen (SIGSTOP) for 25 s",
		begin:  func(w *world) { w.server().signal(syscall.SIGSTOP) },
		lasts:  25 * time.Second,
		end:    func(w *world) { w.server().signal(syscall.SIGCONT) },
		silent: true,
		reason: "ErrReconnected",
	},
}
