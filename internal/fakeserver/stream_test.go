package fakeserver

import (
	"testing"
	"time"
)

const (
	preamble  = `{"@odata.context":"https://outlook.fake.test/api/beta/metadata#Notifications","value":[`
	keepAlive = `{"@odata.type":"#Microsoft.OutlookServices.KeepAliveNotification","Status":"Ok"}`
)

func TestStreamIsOneCompactDocumentWithKeepAlivesAndACleanEnd(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		id := f.subscribe("me/events")
		r := f.listenFor(1, 20, id)
		if got := r.now(); got != preamble {
			t.Fatalf("at once came %q, want the preamble %q", got, preamble)
		}
		wait(19 * time.Second)
		if got := r.now(); got != "" {
			t.Fatalf("before the interval came %q", got)
		}
		wait(time.Second)
		if got := r.now(); got != keepAlive {
			t.Fatalf("at the interval came %q, want %q", got, keepAlive)
		}
		wait(20 * time.Second)
		if got := r.now(); got != ","+keepAlive {
			t.Fatalf("at twice the interval came %q, want a comma and a keep-alive", got)
		}
		wait(20 * time.Second)
		if text, failed := r.rest(); text != "]}" || failed {
			t.Fatalf("the end was %q, failed %v", text, failed)
		}
	})
}
