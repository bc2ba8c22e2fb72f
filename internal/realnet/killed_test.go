//go:build realnet && linux

package realnet

import (
	"time"
)

var killedFaults = []fault{
	{
		name:  "server killed (SIGKILL), started again after 10 s, all forgotten",
		begin: func(w *world) { w.server().kill() },
		lasts: 10 * time.Second, end: (*world).restart,
		reason: "ErrResubscribed",
	},
	{
		name: "server gone without a word (killed, its FIN and RST lost), started again after 25 s, all forgotten",
		begin: func(w *world) {
			rules(w.t, w.network.client, "tcp flags & (fin|rst) != 0 drop")
			w.server().kill()
		},
		lasts: 25 * time.Second,
		end: func(w *world) {
			w.restart()
			noRules(w.t, w.network.client)
		},
		silent: true, reason: "ErrResubscribed",
	},
}
