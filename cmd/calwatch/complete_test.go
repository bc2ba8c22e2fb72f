package main

import (
	"slices"
	"strings"
	"testing"
)

func TestAShellCompletesWords(t *testing.T) {
	for args, want := range map[string][]string{
		"watch --api ":     {"rest", "ews"},
		"login --api ":     {"rest", "ews"},
		"demo --api ":      {"rest", "ews"},
		"watch --folders ": {"all", "calendar", "inbox"},
		"watch --auth ":    {"basic", "ntlm", "token-file"},
		"watch --mail":     {"--mailbox", "--mailbox-file"},
		"watch --user":     {"--user-agent", "--username"},
	} {
		// The last word is the one to be completed, and may be empty.
		c := call(t, nil, append([]string{"__complete"}, strings.Split(args, " ")...)...)
		c.end(t, exitDone)
		var offered []string
		for line := range strings.Lines(c.stdout.String()) {
			word, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
			offered = append(offered, word)
		}
		for _, word := range want {
			if !slices.Contains(offered, word) {
				t.Errorf("%q: %q is not offered: %q", args, word, offered)
			}
		}
	}
}

func TestAMailboxFileIsCompletedAsAFile(t *testing.T) {
	c := call(t, nil, "__complete", "watch", "--mailbox-file", "")
	c.end(t, exitDone)
	if !strings.Contains(c.stdout.String(), ":0") { // what shells take for: as you do it otherwise
		t.Errorf("%q", c.stdout)
	}
}
