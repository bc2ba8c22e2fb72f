//go:build realnet && linux

package realnet

import (
	"net"
	"time"
)

// bothWays puts the same rules in force at both ends, and takes them away.
func bothWays(rule string) (begin, end func(*world)) {
	return func(w *world) {
			rules(w.t, w.network.server, rule)
			rules(w.t, w.network.client, rule)
		}, func(w *world) {
			noRules(w.t, w.network.server)
			noRules(w.t, w.network.client)
		}
}

var (
	dropAll, passAll     = bothWays("drop")
	dropLong, passLong   = bothWays("meta length > 500 drop")
	dropSome, passAgain  = bothWays("numgen random mod 100 < 30 drop")
	onlyTowardsTheClient = func(w *world) { rules(w.t, w.network.client, "drop") }
)

var packetFaults = []fault{
	{
		name:  "packets dropped both ways for 45 s",
		begin: dropAll, lasts: 45 * time.Second, end: passAll,
		silent: true, reason: "ErrReconnected",
	},
	{
		name:  "packets from the server dropped for 40 s, those to it not",
		begin: onlyTowardsTheClient, lasts: 40 * time.Second, end: func(w *world) { noRules(w.t, w.network.client) },
		silent: true, reason: "ErrReconnected",
	},
	{
		name:   "packets of this connection dropped for good, of new ones not (a NAT or firewall that forgot it)",
		begin:  forgetConnections,
		silent: true, reason: "ErrReconnected",
	},
	{
		name:  "packets of more than 500 bytes dropped for 40 s (an MTU black hole)",
		begin: dropLong, lasts: 40 * time.Second, end: passLong,
		silent: true, reason: "ErrReconnected",
	},
	{
		name:  "30 % of all packets lost, both ways, for 45 s",
		begin: dropSome, lasts: 45 * time.Second, end: passAgain,
		own: (*fault).livesOn, mayEnd: 3,
	},
}

// forgetConnections drops both ways what belongs to connections that are open
// now.
func forgetConnections(w *world) {
	w.t.Helper()
	r := w.tell("peers")
	if len(r.Peers) == 0 {
		w.t.Fatal("the server knows of no connection")
	}
	var there, back []string
	for _, peer := range r.Peers {
		_, from, err := net.SplitHostPort(peer)
		if err != nil {
			w.t.Fatal(err)
		}
		there = append(there, "tcp sport "+from+" drop")
		back = append(back, "tcp dport "+from+" drop")
	}
	rules(w.t, w.network.server, there...)
	rules(w.t, w.network.client, back...)
}
