// Package wire measures what a decoder costs when its bytes come over a real
// connection: throughput and CPU of a flood, CPU of a notification that comes
// alone, and the time from the last byte written to the caller's loop.
//
// Three processes, all of them this program: the one that measures, a server,
// and for each contestant a client, so that none pays for another's garbage.
// Everything is on loopback. What a bare read of the same response costs is
// measured among the contestants, since that is what all else is held against.
package wire
