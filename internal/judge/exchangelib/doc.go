// Package exchangelib holds no code, only a test: exchangelib, a client of Exchange Web Services that is in use, judges the
// fake service. What it makes of what it is told is held against the ledger.
//
// It needs /usr/bin/python3 and Debian's python3-exchangelib, so it stands behind a build tag:
//
//	go test -tags exchangelib -count=1 -v ./internal/judge/exchangelib/
package exchangelib
