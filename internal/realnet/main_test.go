//go:build realnet && linux

package realnet

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"
)

var docs = flag.Bool("docs", false, "write the table into "+docsPath)

func TestMain(m *testing.M) {
	if played, err := playRole(); played {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	flag.Parse()
	// The cases do little but wait, however few processors there are.
	if err := flag.Set("test.parallel", "100"); err != nil {
		panic(err)
	}
	status := m.Run()
	if err := results.report(status == 0, *docs); err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

// allFaults are in the order of the table.
func allFaults() []fault {
	return slices.Concat(frozenFaults, packetFaults, killedFaults, interfaceFaults, halfClosedFaults,
		proxyBufferFaults, pullFaults, proxyIdleFaults, proxyRestartFaults, suspendedFaults, ntlmFaults)
}

func TestEveryFaultOfARealNetworkIsNoticedAndSurvivedAndNothingIsLostSilently(t *testing.T) {
	if err := prerequisites(); err != nil {
		t.Fatalf("NOTHING IS PROVED HERE, as this machine lacks what it takes:\n%v", err)
	}
	if err := sweep(); err != nil {
		t.Fatal(err)
	}
	for i, f := range allFaults() {
		for _, protocol := range protocols {
			if f.protocols != nil && !slices.Contains(f.protocols, protocol) {
				continue
			}
			results.expect()
			t.Run(f.name+"/"+protocol, func(t *testing.T) {
				t.Parallel()
				r := f.course(newWorld(t, f, protocol))
				r.place, r.fault, r.protocol = i, f.name, protocol
				results.add(r)
			})
		}
	}
}
