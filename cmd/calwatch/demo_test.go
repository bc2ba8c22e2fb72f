package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream"
)

func TestDemoShowsEverythingWithin15Seconds(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	c := call(t, nil, "demo", "--for", "16s", "-o", "json")
	for _, parts := range [][]string{
		{"https://127.0.0.1:", "/device", "enter the code"},
		{"demo:", "approves"},
		{"demo:", "404", "subscribes again"},
		{"demo:", "silent for more than 7s"},
		{"demo:", "the stream is back"},
	} {
		c.stderr.wait(t, parts...)
	}
	for _, parts := range [][]string{
		{`"reason":"started"`}, {`"type":"created"`, `"Subject":"朝会 – daily stand-up"`}, {`"type":"updated"`}, {`"type":"deleted"`},
		{`"reason":"resubscribed"`}, {`"reason":"reconnected"`},
	} {
		c.stdout.wait(t, parts...)
	}
	if took := time.Since(begin); took > 15*time.Second {
		t.Errorf("it took %v", took)
	}
	c.end(t, exitDone)
	for line := range strings.Lines(c.stdout.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("standard output has more than events: %q", line)
		}
	}
	all := strings.Split(strings.TrimSpace(c.stderr.String()), "\n")
	last := all[len(all)-1]
	if !strings.HasPrefix(last, "changes made: ") || !strings.HasSuffix(last, "announced as possibly missed: 1, lost silently: 0") {
		t.Errorf("the last line is %q", last)
	}
}

func TestDemoStopsCleanlyAtAnyTime(t *testing.T) {
	t.Parallel()
	for moment, args := range map[string][]string{
		"enter the code": nil, "comes to life": nil, "goes silent": nil,
		"25 rooms": {"--api", "ews"}, "come to life": {"--api", "ews"}, "token expires": {"--api", "ews"}, "ex1 dies": {"--api", "ews"},
	} {
		t.Run(moment, func(t *testing.T) {
			t.Parallel()
			c := call(t, nil, append([]string{"demo"}, args...)...)
			c.stderr.wait(t, moment)
			begin := time.Now()
			c.stop()
			c.end(t, exitDone)
			if took := time.Since(begin); took > time.Second {
				t.Errorf("it took %v to stop", took)
			}
			c.stderr.wait(t, "changes made: ", "lost silently: 0")
		})
	}
}

func TestDemoKeepsNothing(t *testing.T) {
	t.Parallel()
	environ := home(t)
	c := call(t, append(environ, "DISPLAY=:0", "CALWATCH_CACHE_DIR="+filepath.Join(t.TempDir(), "tokens")), "demo")
	c.stderr.wait(t, "comes to life")
	c.stop()
	c.end(t, exitDone)
	if made, err := os.ReadDir(strings.TrimPrefix(environ[0], "HOME=")); err != nil || len(made) > 0 {
		t.Errorf("%v was made, %v", made, err)
	}
}

func TestDemoCountIsHonest(t *testing.T) {
	server := fakeserver.New(nil)
	defer server.Close()
	made, err := server.Change(fakeserver.Change{Resource: demoResource, ChangeType: "Created", Count: 5})
	if err != nil {
		t.Fatal(err)
	}
	see := func(t *tally, i int) {
		t.add(outlookstream.Event{
			Kind: outlookstream.Created, Resource: demoResource, ID: made[i].ID, Version: made[i].Version,
		}, made[i].Seq)
	}
	resync := outlookstream.Event{Kind: outlookstream.Resync, Resource: demoResource, Reason: outlookstream.ErrReconnected}

	var some tally // the first is announced, the third and fifth are nowhere
	some.add(resync, made[0].Seq)
	see(&some, 1)
	see(&some, 3)
	if got, want := some.count(server, restPlay.lost, false), (demoCount{made: 5, delivered: 2, announced: 1, lost: 2}); got != want {
		t.Errorf("count = %+v, want %+v", got, want)
	}
	if got, want := some.count(server, restPlay.lost, true), (demoCount{made: 5, delivered: 2, announced: 1, lost: 1, onTheWay: 1}); got != want {
		t.Errorf("count of a watch that was stopped = %+v, want %+v", got, want)
	}
	const line = "changes made: 5, delivered: 2, announced as possibly missed: 1, lost silently: 2"
	if got := some.count(server, restPlay.lost, false).String(); got != line {
		t.Errorf("the line is %q", got)
	}
}

func TestDiaryGoesOnForEverAndKeepsToWhatExists(t *testing.T) {
	server := fakeserver.New(nil)
	defer server.Close()
	d := newDiary(time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC))
	exists := make(map[string]bool)
	for i := range 3 * len(d.entries) {
		next := d.next()
		if next.ChangeType != "Created" && !exists[next.ID] {
			t.Fatalf("change %d is %s of an item that is not there", i, next.ChangeType)
		}
		made, err := server.Change(next.Change)
		if err != nil {
			t.Fatal(err)
		}
		exists[made[0].ID] = next.ChangeType != "Deleted"
		next.made(made[0].ID)
	}
	for id, there := range exists {
		if there {
			t.Errorf("item %s stays for ever", id)
		}
	}
}
