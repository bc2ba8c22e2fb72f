// Package load measures a Client with thousands of watches: what an idle one
// holds, how many connections they need, what happens when the server restarts,
// what a change costs, and how long a dead peer stays unnoticed.
//
// Server and client are processes of their own, so that each is measured
// without the other: this program runs itself again with a role in its
// environment (see [Play]). Between them is TLS over the loopback interface.
// The server is the fake service of this module.
//
// It reads /proc and so needs Linux.
package load
