package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver"
)

// huntExchange is for faults of Exchange Web Services: a watch with a token of
// the application, which the service says back. Each has a service of its own.
func huntExchange(t *testing.T, h *hunt, faults []fakeserver.Fault) {
	for i, fault := range faults {
		f := newFake(t, &fakeserver.Options{Control: true})
		file := filepath.Join(t.TempDir(), "token")
		writeFile(t, file, f.Token(""))
		f.arm(t, echoing(fault, f.latest(true)))
		c := f.exchange(t, []string{"CALWATCH_LOG_LEVEL=debug"}, append(formats(i), "--token-file", file, "--impersonate", "--mailbox", alex)...)
		f.askedExchange(t, map[string]string{"ewsSubscribe": "Subscribe", "ewsListen": "GetStreamingEvents", "ewsStream": "GetStreamingEvents"}[fault.On])
		if fault.Status == 401 && fault.On != "ewsCall" { // its file is waited for
			c.stderr.wait(t, "waiting for another one in its file")
			writeFile(t, file, f.Token(""))
		}
		if fault.Do != "stall" && fault.On != "ewsCall" {
			c.either(t, "started")
			f.change(t, fakeserver.Change{ChangeType: "Created", ID: "AAMk-first"})
			switch { // what changes before is announced, and not told
			case fault.Do == "dropSubscription":
				c.either(t, "resubscribed")
			case fault.Do == "missed":
				c.either(t, "missed")
			case endsStream[fault.Do] && fault.On == "ewsStream":
				c.either(t, "reconnected")
			}
			f.change(t, fakeserver.Change{ChangeType: "Created", ID: "AAMk-last"})
			c.either(t, "Mk-last")
		}
		h.search(t, f, c.over(t))
		h.search(t, f, whatTheFakeTells(t, f))
		h.ran(fault)
	}
}

// askedExchange waits until Exchange was asked for an operation; "" is any.
func (f *fake) askedExchange(t *testing.T, operation string) {
	t.Helper()
	f.until(t, func() bool {
		for _, r := range f.Requests() {
			if strings.HasSuffix(r.Path, ".asmx") && strings.Contains(r.Body, "<m:"+operation) {
				return true
			}
		}
		return false
	}, "Exchange was not asked for %q", operation)
}
