// Package soak tries to make the library lose a change. It holds tests only.
//
// Seeded random schedules of changes, faults, expiries, restarts, suspended
// programs and turned-off networks are played to programs that watch, in
// virtual time (testing/synctest), against the fake service. Its ledger knows
// every change; judge_test.go and exchangejudge_test.go hold what the programs
// were told against it. A schedule that shows a failure is cut down to the
// shortest that still does. TestSoak plays to programs of the REST API, TestSoakExchange to those of
// Exchange Web Services; what differs between the two is a source.
//
//	go test -run Soak ./internal/soak                     # 100 virtual hours of each
//	go test -run Soak ./internal/soak -soak.hours=700     # as many as CI plays
//	go test -run Soak ./internal/soak -soak=10m           # as many as fit into ten minutes
//	go test -tags sabotage -run Sabotage ./internal/soak  # broken libraries: each must be caught
//
// The schedules of a run depend on -soak.seed alone, which a run of a given
// duration chooses at random.
package soak
