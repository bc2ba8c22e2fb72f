//go:build realnet && linux

package realnet

import (
	"time"
)

var interfaceFaults = []fault{
	{
		name:  "the client's network interface down for 30 s",
		begin: func(w *world) { run(w.t, "ip", "-n", w.network.client, "link", "set", "eth0", "down") },
		lasts: 30 * time.Second,
		end:   func(w *world) { run(w.t, "ip", "-n", w.network.client, "link", "set", "eth0", "up") },

		silent: true, reason: "ErrReconnected",
	},
	{
		name:  "the server's network interface down for 30 s (no carrier at the client's)",
		begin: func(w *world) { run(w.t, "ip", "-n", w.network.server, "link", "set", "eth0", "down") },
		lasts: 30 * time.Second,
		end:   func(w *world) { run(w.t, "ip", "-n", w.network.server, "link", "set", "eth0", "up") },

		silent: true, reason: "ErrReconnected",
	},
}
