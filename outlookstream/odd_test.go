package outlookstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
)

// scripted returns a Client whose subscriptions are called "x" and whose
// streams are documents[0], documents[1] and so on, broken off at their end.
// The last one stays open.
func scripted(t *testing.T, opts Options, documents ...string) *Client {
	listens := 0
	return answering(t, opts, func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "subscriptions") {
			return response(r, 201, `{"Id":"x"}`), nil
		}
		document := documents[min(listens, len(documents)-1)]
		listens++
		resp := response(r, 200, "", "request-id", "r-1")
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(strings.NewReader(document), readerFunc(func([]byte) (int, error) {
			if listens >= len(documents) {
				<-r.Context().Done()
				return 0, context.Cause(r.Context())
			}
			return 0, io.ErrUnexpectedEOF
		})), io.NopCloser(nil)}
		return resp, nil
	})
}

// told returns the first n events of a watch of resources.
func told(t *testing.T, c *Client, n int, paths ...string) (got []string) {
	t.Helper()
	var resources []Resource
	for _, path := range paths {
		resources = append(resources, Resource{Path: path})
	}
	for event, err := range c.Watch(t.Context(), resources...) {
		if err != nil {
			t.Fatal(err)
		}
		reason := ""
		if event.Kind == Resync {
			reason = " " + map[error]string{ErrStarted: "started", ErrReconnected: "reconnected", ErrResubscribed: "resubscribed"}[event.Reason]
			switch {
			case errors.Is(event.Reason, ErrMissed):
				reason = " missed"
			case errors.Is(event.Reason, ErrSequence):
				reason = " sequence"
			case errors.Is(event.Reason, ErrRemoved):
				reason = " removed"
			}
		}
		got = append(got, event.Kind.String()+" "+event.Resource+reason+event.ID)
		if len(got) == n {
			break
		}
	}
	return got
}

func TestOddNotifications(t *testing.T) {
	const notification = `"@odata.type":"#Microsoft.OutlookServices.Notification","SubscriptionId":"x"`
	for name, tt := range map[string]struct {
		document string
		paths    []string
		want     []string
	}{
		"kinds in lower case": {
			`{"value":[{` + notification + `,"SequenceNumber":1,"ChangeType":"created","ResourceData":{"Id":"1"}},{` + notification + `,"SequenceNumber":2,"ChangeType":"missed"}`,
			[]string{"a/events"}, []string{"resync a/events started", "created a/events1", "resync a/events missed"},
		},
		"Missed has a number": {
			`{"value":[{` + notification + `,"SequenceNumber":1,"ChangeType":"Missed"},{` + notification + `,"SequenceNumber":2,"ChangeType":"Deleted","ResourceData":{"Id":"1"}}`,
			[]string{"a/events"}, []string{"resync a/events started", "resync a/events missed", "deleted a/events1"},
		},
		"Missed after a hole is one Resync": {
			`{"value":[{` + notification + `,"SequenceNumber":5,"ChangeType":"Missed"},{` + notification + `,"SequenceNumber":6,"ChangeType":"Deleted","ResourceData":{"Id":"1"}}`,
			[]string{"a/events"}, []string{"resync a/events started", "resync a/events missed", "deleted a/events1"},
		},
		"an id that two subscriptions share": {
			`{"value":[{` + notification + `,"SequenceNumber":1,"ChangeType":"Updated","ResourceData":{"Id":"1"}}`,
			[]string{"a/events", "b/events"}, []string{"resync a/events started", "resync b/events started", "updated a/events1", "updated b/events1"},
		},
		"the item only in the URL": {
			`{"value":[{` + notification + `,"SequenceNumber":1,"ChangeType":"Updated","Resource":"https://x/Users('a@b')/Events('1%3D')"}`,
			[]string{"a/events"}, []string{"resync a/events started", "updated a/events1="},
		},
		"no item": {
			`{"value":[{` + notification + `,"SequenceNumber":1,"ChangeType":"Updated","Resource":"https://x/Users('a@b')"}`,
			[]string{"a/events"}, []string{"resync a/events started", "resync a/events missed"},
		},
		"nobody's, of several": {
			`{"value":[{"ChangeType":"Updated","ResourceData":{"Id":"1"}}`,
			[]string{"a/events", "b/events"}, []string{"resync a/events started", "resync b/events started", "resync a/events missed", "resync b/events missed"},
		},
		"nobody's, of one": {
			`{"value":[{"ChangeType":"Updated","ResourceData":{"Id":"1"}}`,
			[]string{"a/events"}, []string{"resync a/events started", "updated a/events1"},
		},
		"a notification without anything but a number": {
			`{"value":[{"@odata.type":"#Microsoft.OutlookServices.Notification","SequenceNumber":1}`,
			[]string{"a/events", "b/events"}, []string{"resync a/events started", "resync b/events started", "resync a/events missed", "resync b/events missed"},
		},
		"a removal of nobody": {
			`{"value":[{"ChangeType":"SubscriptionRemoved"}`,
			[]string{"a/events", "b/events"}, []string{"resync a/events started", "resync b/events started", "resync a/events removed", "resync b/events removed"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				expect(t, told(t, scripted(t, Options{}, tt.document), len(tt.want), tt.paths...), tt.want...)
			})
		})
	}
}

func TestAServerThatPutsTheTokenIntoAChangeDoesNotGetItIntoAReason(t *testing.T) {
	for _, element := range []string{
		`{"SubscriptionId":"x","ChangeType":"` + testToken + `"}`,
		`{"SubscriptionId":"x","ChangeType":"SubscriptionRemoved","Error":{"Code":"` + testToken + `"}}`,
	} {
		synctest.Test(t, func(t *testing.T) {
			resyncs := 0
			for event, err := range scripted(t, Options{}, `{"value":[`+element, `{"value":[`).Watch(t.Context(), Resource{Path: "me/events"}) {
				if err != nil || strings.Contains(fmt.Sprint(event.Reason), "s3cret") {
					t.Fatalf("%v, %v", event.Reason, err)
				}
				if resyncs++; resyncs == 2 {
					break
				}
			}
		})
	}
}

func TestAWatchIsOfWhatItWasMadeFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		resources := []Resource{{Path: "me/events"}}
		watch := scripted(t, Options{}, `{"value":[`).Watch(t.Context(), resources...)
		resources[0].Path = "me/messages"
		for event := range watch {
			if event.Resource != "me/events" {
				t.Errorf("%v", event)
			}
			break
		}
	})
}

func TestASkippedElementIsAnErrorThatSaysWhere(t *testing.T) {
	err := &SkippedError{Offset: 7, Err: ErrTooLarge}
	if got := err.Error(); !strings.Contains(got, "offset 7") || !strings.Contains(got, "too large") {
		t.Error(got)
	}
}
