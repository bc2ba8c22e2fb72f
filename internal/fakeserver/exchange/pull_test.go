package exchange_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
)

func pullRequest(inside string) string {
	return `<m:Subscribe><m:PullSubscriptionRequest>` + inside + `</m:PullSubscriptionRequest></m:Subscribe>`
}

func (f *fixture) pull(names ...string) (id, watermark string) {
	f.t.Helper()
	m := f.call(pullRequest(folders(names...)+allTypes+`<t:Timeout>10</t:Timeout>`)).want(f.t, "NoError")
	return m.text("SubscriptionId"), m.text("Watermark")
}

func getEvents(id, watermark string) string {
	return `<m:GetEvents><m:SubscriptionId>` + id + `</m:SubscriptionId><m:Watermark>` + watermark + `</m:Watermark></m:GetEvents>`
}

// events asks once, and returns what came, and the watermark to go on from.
func (f *fixture) events(id, watermark string) (events []string, next string, more bool) {
	f.t.Helper()
	n := f.call(getEvents(id, watermark)).want(f.t, "NoError").at("Notification")
	if n.text("SubscriptionId") != id || n.text("PreviousWatermark") != watermark {
		f.t.Errorf("the notification is of %s, after %s", n.text("SubscriptionId"), n.text("PreviousWatermark"))
	}
	for _, e := range n.children[3:] {
		events = append(events, event(e))
		next = e.text("Watermark")
	}
	return events, next, n.text("MoreEvents") == "true"
}

func TestPulledEventsGoOnFromAWatermark(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		id, start := f.pull("tasks")
		events, idle, more := f.events(id, start)
		if strings.Join(events, " ") != "Status" || idle != start || more {
			t.Errorf("an idle subscription says %v, %s, %v", events, idle, more)
		}
		f.change(fakeserver.Change{Resource: "me/tasks", ChangeType: "Created", ID: "AAM1"})
		f.change(fakeserver.Change{Resource: "me/contacts", ChangeType: "Created", ID: "AAM2"})
		events, next, _ := f.events(id, idle)
		if strings.Join(events, " ") != "Created(AAM1) Modified(folder)" {
			t.Errorf("got %v", events)
		}
		// An answer that was lost can be had again.
		again, _, _ := f.events(id, idle)
		if strings.Join(again, " ") != strings.Join(events, " ") {
			t.Errorf("the second time came %v", again)
		}
		if events, _, _ = f.events(id, next); strings.Join(events, " ") != "Status" {
			t.Errorf("after the last watermark came %v", events)
		}
		f.call(unsubscribeRequest(id)).want(t, "NoError")
		f.call(getEvents(id, next)).want(t, "ErrorSubscriptionNotFound")
	})
}

func TestPulledEventsComeFiftyAtATime(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		id, at := f.pull("tasks")
		for i := range 101 {
			f.change(fakeserver.Change{Resource: "me/tasks", ChangeType: "Updated", ID: fmt.Sprint("AAM", i)})
		}
		var sizes []string
		for more := true; more; {
			var events []string
			events, at, more = f.events(id, at)
			sizes = append(sizes, fmt.Sprint(len(events), more))
		}
		if got := strings.Join(sizes, ", "); got != "50 true, 50 true, 1 false" {
			t.Errorf("they came as %s", got)
		}
	})
}

func TestASubscriptionCanResumeFromAWatermark(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		id, start := f.pull("tasks")
		f.change(fakeserver.Change{Resource: "me/tasks", ChangeType: "Updated", ID: "AAM1"})
		f.call(unsubscribeRequest(id)).want(t, "NoError")
		m := f.call(pullRequest(folders("tasks")+allTypes+`<t:Watermark>`+start+`</t:Watermark><t:Timeout>10</t:Timeout>`)).want(t, "NoError")
		if m.text("Watermark") != start {
			t.Errorf("it begins at %s, not at %s", m.text("Watermark"), start)
		}
		if events, _, _ := f.events(m.text("SubscriptionId"), start); strings.Join(events, " ") != "Modified(AAM1)" {
			t.Errorf("got %v", events)
		}
		future := "AAAAAP8AAAAAAAAAAQ=="
		f.call(getEvents(m.text("SubscriptionId"), future)).want(t, "ErrorInvalidWatermark")
		f.call(pullRequest(folders("tasks")+allTypes+`<t:Watermark>`+future+`</t:Watermark><t:Timeout>10</t:Timeout>`)).want(t, "ErrorInvalidWatermark")
	})
}

func TestAWatermarkIsGoodForThirtyDays(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		_, start := f.pull("tasks")
		f.change(fakeserver.Change{Resource: "me/tasks", ChangeType: "Updated", ID: "AAM1"})
		wait(30*24*time.Hour + time.Second)
		f.change(fakeserver.Change{Resource: "me/tasks", ChangeType: "Updated", ID: "AAM1"})
		f.call(pullRequest(folders("tasks")+allTypes+`<t:Watermark>`+start+`</t:Watermark><t:Timeout>10</t:Timeout>`)).want(t, "ErrorInvalidWatermark")
		id, _ := f.pull("tasks")
		f.call(getEvents(id, start)).want(t, "ErrorEventNotFound")
		f.call(getEvents(id, start)).want(t, "ErrorSubscriptionNotFound")
	})
}

func TestTheEventTableIsBounded(t *testing.T) {
	inMemory(t, "h1", &exchange.Options{MaxLog: 10}, func(t *testing.T, f *fixture) {
		id, start := f.pull("tasks")
		f.change(fakeserver.Change{Resource: "me/tasks", ChangeType: "Updated", ID: "AAM1", Count: 40})
		f.call(getEvents(id, start)).want(t, "ErrorEventNotFound")
	})
}

func TestAnIdlePullSubscriptionDoesNotFallOutOfTheEventTable(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		id, start := f.pull("tasks")
		f.change(fakeserver.Change{Resource: calendarPath, ChangeType: "Updated", ID: "AAM1", Count: 500})
		events, next, _ := f.events(id, start)
		if strings.Join(events, " ") != "Status" || next == start {
			t.Errorf("after much that is no concern of it, it is told %v, %s", events, next)
		}
	})
}

func TestAPullSubscriptionExpiresUnlessItIsUsed(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		id, at := f.pull("tasks")
		for range 3 {
			wait(9 * time.Minute)
			f.events(id, at)
		}
		wait(10 * time.Minute)
		f.call(getEvents(id, at)).want(t, "ErrorSubscriptionNotFound")
	})
}

func TestGetEventsIsForPullSubscriptionsOfOnesOwn(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		id, at := f.pull("tasks")
		f.call(getEvents(f.subscribe("tasks"), at)).want(t, "ErrorInvalidPullSubscriptionId")
		f.call(getEvents("unknown", at)).want(t, "ErrorSubscriptionNotFound")
		f.call(getEvents(id, "%%")).want(t, "ErrorInvalidWatermark")
		m := f.as(room1).call(getEvents(id, at)).want(t, "ErrorSubscriptionAccessDenied")
		if m.text("MessageText") != "Access is denied. Only the subscription owner may access the subscription." {
			t.Errorf("it says %q", m.text("MessageText"))
		}
		f.call(`<m:GetEvents><m:SubscriptionId>`+id+`</m:SubscriptionId></m:GetEvents>`).wantFault(t, "ErrorSchemaValidation", "'Watermark'")
		l := f.listen(1, id)
		l.wantClean()
		wantShort(t, l.checked(), "ErrorInvalidSubscription "+id+" Closed")
	})
}
