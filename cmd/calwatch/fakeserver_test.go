package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver"
)

func TestTheFakeHasAsManyRoomsAndAsQuickAPulseAsItIsTold(t *testing.T) {
	t.Parallel()
	server := call(t, nil, "fakeserver", "--rooms", "3", "--ews-heartbeat", "50ms", "--ews-expiry", "1h")
	var where ready
	if err := json.Unmarshal([]byte(server.stdout.wait(t, `"ews_url"`)), &where); err != nil {
		t.Fatal(err)
	}
	c := call(t, []string{"CALWATCH_PASSWORD=" + fakeserver.DefaultPassword}, "watch", "--api", "ews", "--ews-url", where.EWS, "--ca-file", where.CAFile,
		"--auth", "basic", "--username", alex, "--impersonate", "--mailbox", "room3@contoso.test,room4@contoso.test", "--log-level", "debug")
	c.stdout.wait(t, `"started"`, "room3@contoso.test")
	c.stdout.wait(t, `"ended"`, "room4@contoso.test")
	c.stderr.wait(t, "msg=heartbeat", "status=OK")
	c.stderr.wait(t, "msg=heartbeat", `status=""`) // a StatusEvent: the first that is due
	if n := strings.Count(server.stdout.String(), "\n"); n != 1 {
		t.Errorf("%d lines", n)
	}
}
