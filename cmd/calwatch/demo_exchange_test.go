package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestDemoOfExchangeShowsEverythingWithin15Seconds(t *testing.T) {
	t.Parallel()
	start := time.Now()
	c := call(t, nil, "demo", "--api", "ews", "--for", "18s", "-o", "json")
	for _, parts := range [][]string{
		{"demo:", "25 rooms"},
		{"demo:", "client: one connection listens to 25 subscriptions"},
		{"demo:", "25 subscriptions are on ex1, which has 13 of the rooms itself; connections that bring events: 1"},
		{"demo:", "401", "gets another one"},
		{"demo:", "the affinity cookie has survived the token: 25 of 25 subscriptions"},
		{"demo:", "it was made again, alone: 24 of 25 subscriptions"},
		{"demo:", "the server ex1 dies"},
		{"demo:", "25 subscriptions are on ex2"},
	} {
		c.stderr.wait(t, parts...)
	}
	if took := time.Since(start); took > 15*time.Second {
		t.Errorf("it took %v", took)
	}
	c.end(t, exitDone)
	for line := range strings.Lines(c.stdout.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("standard output has more than events: %q", line)
		}
	}
	for _, parts := range [][]string{
		{`"reason":"started"`, "room25@contoso.test"}, {`"type":"created"`, `"event":"CreatedEvent"`}, {`"reason":"reconnected"`}, {`"reason":"resubscribed"`, "room07@contoso.test"},
	} {
		c.stdout.wait(t, parts...)
	}
	lines := strings.Split(strings.TrimSpace(c.stderr.String()), "\n")
	if last := lines[len(lines)-1]; !regexp.MustCompile(`^changes made: \d{2,}, delivered: \d{2,}, announced as possibly missed: \d+, lost silently: 0$`).MatchString(last) {
		t.Errorf("the last line is %q", last)
	}
}

func TestTheCookieAndTheTokenThatTheDemoTellsOfAreThoseOfTheFake(t *testing.T) {
	t.Parallel()
	c := call(t, nil, "demo", "--api", "ews")
	before := c.stderr.wait(t, "the last stream was opened with token")
	after := c.stderr.wait(t, "this one, after 1 refused, with token")
	c.stop()
	c.end(t, exitDone)
	facts := regexp.MustCompile(`token ([0-9a-f]{12}) and X-BackEndOverrideCookie (ex1\.contoso\.test~\d+)`)
	a, b := facts.FindStringSubmatch(before), facts.FindStringSubmatch(after)
	if a == nil || b == nil || a[1] == b[1] || a[2] != b[2] {
		t.Errorf("it tells:\n%s\n%s", before, after)
	}
	c.stderr.wait(t, "changes made: ", "lost silently: 0")
}
