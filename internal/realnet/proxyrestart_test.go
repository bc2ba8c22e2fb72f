//go:build realnet && linux

package realnet

import (
	"syscall"
	"time"
)

const (
	unbuffered = "proxy_buffering off;"
	// cutsOnReload is how operators keep old workers from living for ever.
	cutsOnReload = "worker_shutdown_timeout 3s;\n---\n" + unbuffered
)

var proxyRestartFaults = []fault{
	{
		name: "nginx in front killed (SIGKILL), started again after 10 s", proxy: unbuffered,
		begin: func(w *world) { w.proxy.kill() },
		lasts: 10 * time.Second, end: func(w *world) { w.proxy.start(w.t) },
		reason: "ErrReconnected",
	},
	{
		name: "nginx in front frozen (SIGSTOP) for 25 s", proxy: unbuffered,
		begin: func(w *world) { w.proxy.signal(syscall.SIGSTOP) },
		lasts: 25 * time.Second, end: func(w *world) { w.proxy.signal(syscall.SIGCONT) },
		silent: true, reason: "ErrReconnected",
	},
	{
		name: "nginx in front reloaded; its old worker serves on", proxy: unbuffered,
		begin: func(w *world) { w.proxy.reload(w.t, unbuffered) },
		lasts: 20 * time.Second,
		own:   (*fault).livesOn,
	},
	{
		name: "nginx in front reloaded; `worker_shutdown_timeout 3s` cuts the stream", proxy: cutsOnReload,
		begin:   func(w *world) { w.proxy.reload(w.t, cutsOnReload) },
		loudFor: 3 * time.Second, reason: "ErrReconnected",
	},
	{
		name: "server behind nginx killed, 502 for 10 s, started again, all forgotten", proxy: unbuffered,
		begin: func(w *world) { w.server().kill() },
		lasts: 10 * time.Second, end: (*world).restart,
		reason: "ErrResubscribed",
	},
	{
		name: "server behind nginx frozen (SIGSTOP) for 25 s", proxy: unbuffered,
		begin: func(w *world) { w.server().signal(syscall.SIGSTOP) },
		lasts: 25 * time.Second, end: func(w *world) { w.server().signal(syscall.SIGCONT) },
		silent: true, reason: "ErrReconnected",
	},
}
