//go:build realnet && linux

package realnet

var halfClosedFaults = []fault{
	{
		name:   "half-closed TCP: a balancer ends its half (FIN) in mid-stream and goes on reading",
		relay:  true,
		begin:  func(w *world) { w.tell("half-close") },
		reason: "ErrReconnected",
	},
}
