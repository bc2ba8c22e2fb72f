// Package reconnect holds the mechanisms that every source of events shares:
// when to try again ([Policy]), when a silent connection is dead ([IdleReader]),
// and how connections that died are left behind ([Pool]).
//
// It knows nothing of any protocol; what an error means is decided by the source.
package reconnect
