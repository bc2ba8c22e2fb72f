package main

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/calwatch/calwatch/internal/fakeserver"
)

// What the fake has seen, for the story: nothing is told that was not so.

// facts says where the subscriptions are.
func (x *exchangeStory) facts() string {
	var parts []string
	for _, b := range x.server.Exchange().BackEnds() {
		if b.Subscriptions > 0 {
			parts = append(parts, fmt.Sprintf("%d subscriptions are on %s, which has %d of the rooms itself", b.Subscriptions, shortHost(b.Name), b.Mailboxes))
		}
	}
	streams := x.server.Exchange().Streams()
	return fmt.Sprintf("%s; connections that bring events: %d", strings.Join(parts, ", "), streams)
}

// mainServer is the one that has most of the subscriptions.
func (x *exchangeStory) mainServer() (name string) {
	most := 0
	for _, b := range x.server.Exchange().BackEnds() {
		if b.Subscriptions > most {
			name, most = b.Name, b.Subscriptions
		}
	}
	return name
}

// shortHost is enough of a host's name to tell it from others.
func shortHost(name string) string {
	short, _, _ := strings.Cut(name, ".")
	return short
}

// ids are those of the subscriptions, by room.
func (x *exchangeStory) ids() map[string]string {
	ids := make(map[string]string)
	for _, s := range x.server.Exchange().Subscriptions() {
		ids[s.Mailbox] = s.ID
	}
	return ids
}

// kept is how many rooms have the subscription that they had before.
func (x *exchangeStory) kept(before map[string]string) int {
	now := x.ids()
	rooms := slices.Collect(maps.Keys(before))
	return len(slices.DeleteFunc(rooms, func(room string) bool { return now[room] != before[room] }))
}

// An opening is a request for a stream that was accepted.
type opening struct {
	token  string // its fingerprint
	cookie string // X-BackEndOverrideCookie
}

// lastOpening is the latest; refused, how many were answered 401 since the one
// before.
func (x *exchangeStory) lastOpening() (last opening, refused int) {
	for _, r := range slices.Backward(x.server.Requests()) {
		if !strings.Contains(r.Body, "GetStreamingEvents") {
			continue
		}
		switch {
		case r.Status == http.StatusUnauthorized && last.token == "":
		case r.Status == http.StatusUnauthorized:
			refused++
		case r.Status == http.StatusOK && last.token == "":
			last = opening{token: r.Token, cookie: overrideCookie(r)}
		case r.Status == http.StatusOK:
			return last, refused
		}
	}
	return last, refused
}

// overrideCookie is what leads a request to the server that has the group's
// subscriptions. It is no secret.
func overrideCookie(r fakeserver.Request) string {
	for _, line := range r.Header.Values("Cookie") {
		for part := range strings.SplitSeq(line, ";") {
			if value, ok := strings.CutPrefix(strings.TrimSpace(part), "X-BackEndOverrideCookie="); ok {
				return value
			}
		}
	}
	return ""
}
