// Package reconnect holds the mechanisms that every source of events shares:
// when to try again ([Policy]) and how often at most ([Rate]), when a silent
// connection is dead ([Watchdog]), how connections that died are left behind,
// and how streams are packed onto few of them ([Pool]).
//
// It knows nothing of any protocol; what an error means is decided by the source.
package reconnect
