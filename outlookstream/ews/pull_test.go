package ews

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

const allSeven = `<t:EventTypes><t:EventType>CopiedEvent</t:EventType><t:EventType>CreatedEvent</t:EventType><t:EventType>DeletedEvent</t:EventType>` +
	`<t:EventType>ModifiedEvent</t:EventType><t:EventType>MovedEvent</t:EventType><t:EventType>NewMailEvent</t:EventType><t:EventType>FreeBusyChangedEvent</t:EventType></t:EventTypes>`

const subscribed = `<m:SubscriptionId>sub</m:SubscriptionId><m:Watermark>w0</m:Watermark>`

// The schema's order: folders, events, watermark, time-out.
func TestAPullSubscriptionIsAskedForAsTheSchemaHasIt(t *testing.T) {
	for name, c := range map[string]struct {
		o    Options
		m    Mailbox
		pull PullOptions
		want string
	}{
		"all folders of one's own": {
			want: `<m:PullSubscriptionRequest SubscribeToAllFolders="true">` + allSeven + `<t:Timeout>30</t:Timeout></m:PullSubscriptionRequest>`,
		},
		"folders, from a watermark": {
			m:    Mailbox{Folders: append(Distinguished("inbox"), Folder{ID: "AAMk&", ChangeKey: "AQ=="}), Events: []EventType{NewMailEvent}},
			pull: PullOptions{Timeout: 24 * time.Hour, Watermark: "AAAAAG"},
			want: `<m:PullSubscriptionRequest><t:FolderIds><t:DistinguishedFolderId Id="inbox"></t:DistinguishedFolderId><t:FolderId Id="AAMk&amp;" ChangeKey="AQ=="></t:FolderId></t:FolderIds>` +
				`<t:EventTypes><t:EventType>NewMailEvent</t:EventType></t:EventTypes><t:Watermark>AAAAAG</t:Watermark><t:Timeout>1440</t:Timeout></m:PullSubscriptionRequest>`,
		},
		"somebody else's folder": {
			m:    Mailbox{Address: "ann@contoso.com", Folders: Distinguished("calendar"), Events: []EventType{MovedEvent}},
			pull: PullOptions{Timeout: time.Minute},
			want: `<m:PullSubscriptionRequest><t:FolderIds><t:DistinguishedFolderId Id="calendar"><t:Mailbox><t:EmailAddress>ann@contoso.com</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId></t:FolderIds>` +
				`<t:EventTypes><t:EventType>MovedEvent</t:EventType></t:EventTypes><t:Timeout>1</t:Timeout></m:PullSubscriptionRequest>`,
		},
		"as somebody else": {
			o:    Options{Impersonate: true},
			m:    Mailbox{Address: "ann@contoso.com", Folders: Distinguished("calendar"), Events: []EventType{MovedEvent}},
			want: `<m:PullSubscriptionRequest><t:FolderIds><t:DistinguishedFolderId Id="calendar"></t:DistinguishedFolderId></t:FolderIds><t:EventTypes><t:EventType>MovedEvent</t:EventType></t:EventTypes><t:Timeout>30</t:Timeout></m:PullSubscriptionRequest>`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, service := script(t, c.o, answering("Subscribe", subscribed))
			sub, err := s.SubscribePull(t.Context(), c.m, &c.pull)
			if err != nil {
				t.Fatal(err)
			}
			if sub.ID != "sub" || sub.Watermark != "w0" || sub.Mailbox != c.m.name() {
				t.Errorf("%+v", sub)
			}
			if want := `<m:Subscribe>` + c.want + `</m:Subscribe>`; service.last() != want {
				t.Errorf("\nsent %s\nwant %s", service.last(), want)
			}
		})
	}
}

func TestATimeoutThatTheSchemaForbidsIsNotSent(t *testing.T) {
	s, service := script(t, Options{})
	for _, timeout := range []time.Duration{-time.Minute, time.Second, 90 * time.Second, 1441 * time.Minute} {
		if _, err := s.SubscribePull(t.Context(), Mailbox{}, &PullOptions{Timeout: timeout}); err == nil || !strings.Contains(err.Error(), "PullOptions.Timeout") {
			t.Errorf("%v: %v", timeout, err)
		}
	}
	if _, err := s.SubscribePull(t.Context(), Mailbox{Address: "ann"}, nil); err == nil {
		t.Error("a mailbox without an address")
	}
	if len(service.sent) > 0 {
		t.Errorf("sent: %s", service.sent)
	}
}

func TestPulledEventsAreFollowedByTheWatermarkOfTheLast(t *testing.T) {
	s, service := script(t, Options{Impersonate: true},
		answering("GetEvents", `<m:Notification>`+strings.Replace(everyEvent, ">false<", ">true<", 1)+`</m:Notification>`),
		answering("GetEvents", `<m:Notification><t:SubscriptionId>sub</t:SubscriptionId><t:PreviousWatermark>w7</t:PreviousWatermark><t:MoreEvents>false</t:MoreEvents><t:StatusEvent><t:Watermark>w8</t:Watermark></t:StatusEvent></m:Notification>`))
	sub := &Subscription{ID: "sub", Watermark: "w0", Mailbox: "ann@contoso.com"}
	result, err := s.GetEvents(t.Context(), sub, "")
	if err != nil {
		t.Fatal(err)
	}
	differing(t, result.Events, wantEveryEvent("ann@contoso.com"))
	if result.Watermark != "w7" || !result.More {
		t.Errorf("watermark %q, more %v", result.Watermark, result.More)
	}
	if want := `<m:GetEvents><m:SubscriptionId>sub</m:SubscriptionId><m:Watermark>w0</m:Watermark></m:GetEvents>`; service.last() != want {
		t.Errorf("\nsent %s\nwant %s", service.last(), want)
	}
	if !strings.Contains(service.sent[0], `<t:PrimarySmtpAddress>ann@contoso.com<`) {
		t.Errorf("not as who subscribed: %s", service.sent[0])
	}
	// Nothing happened, and the service moved the watermark on.
	result, err = s.GetEvents(t.Context(), sub, result.Watermark)
	if err != nil || len(result.Events) != 0 || result.Watermark != "w8" || result.More {
		t.Errorf("%+v, %v", result, err)
	}
	if !strings.Contains(service.last(), `<m:Watermark>w7<`) {
		t.Errorf("sent %s", service.last())
	}
}

// Who asks again at once, and gets the same, asks for ever.
func TestMoreIsNotSaidOfAWatermarkThatStandsStill(t *testing.T) {
	for name, content := range map[string]string{
		"a status":                    `<t:StatusEvent><t:Watermark>w1</t:Watermark></t:StatusEvent>`,
		"nothing":                     ``,
		"an event without watermarks": `<t:CreatedEvent><t:ItemId Id="i"/></t:CreatedEvent>`,
	} {
		s, _ := script(t, Options{}, answering("GetEvents", `<m:Notification><t:MoreEvents>true</t:MoreEvents>`+content+`</m:Notification>`))
		result, err := s.GetEvents(t.Context(), &Subscription{ID: "sub", Mailbox: ownMailbox}, "w1")
		if err != nil || result.More || result.Watermark != "w1" {
			t.Errorf("%s: %+v, %v", name, result, err)
		}
	}
}

func TestAPullSubscriptionThatIsLostSaysSo(t *testing.T) {
	for code, want := range map[string]error{
		"ErrorSubscriptionNotFound":      outlookstream.ErrSubscriptionGone,
		"ErrorExpiredSubscription":       outlookstream.ErrSubscriptionGone,
		"ErrorEventNotFound":             outlookstream.ErrSubscriptionGone,
		"ErrorReadEventsFailed":          outlookstream.ErrSubscriptionGone,
		"ErrorInvalidPullSubscriptionId": outlookstream.ErrSubscriptionGone,
		"ErrorMissedNotificationEvents":  outlookstream.ErrMissed,
		"ErrorInvalidWatermark":          ErrInvalidState,
		"ErrorSubscriptionAccessDenied":  outlookstream.ErrForbidden,
		"ErrorServerBusy":                outlookstream.ErrThrottled,
	} {
		s, _ := script(t, Options{}, refusing("GetEvents", code))
		_, err := s.GetEvents(t.Context(), &Subscription{ID: "sub", Mailbox: "ann@contoso.com"}, "w")
		if !errors.Is(err, want) || !strings.Contains(err.Error(), "GetEvents for ann@contoso.com") || !strings.Contains(err.Error(), code) {
			t.Errorf("%s: %v", code, err)
		}
	}
}

func TestAnAnswerWithNeitherEventsNorAnErrorIsMalformed(t *testing.T) {
	s, _ := script(t, Options{}, answering("GetEvents", ``), answering("Subscribe", ``), answering("GetEvents", `<m:Notification>`+strings.Repeat(`<a/>`, maxElements+1)+`</m:Notification>`))
	sub := &Subscription{ID: "sub", Mailbox: ownMailbox}
	if _, err := s.GetEvents(t.Context(), sub, "w"); !errors.Is(err, outlookstream.ErrMalformed) {
		t.Error(err)
	}
	if _, err := s.SubscribePull(t.Context(), Mailbox{}, nil); !errors.Is(err, outlookstream.ErrMalformed) {
		t.Error(err)
	}
	if _, err := s.GetEvents(t.Context(), sub, "w"); !errors.Is(err, outlookstream.ErrMalformed) || !strings.Contains(err.Error(), "elements") {
		t.Error(err)
	}
}

func TestAPullSubscriptionIsEndedWithUnsubscribe(t *testing.T) {
	s, service := script(t, Options{}, answering("Unsubscribe", ``))
	if err := s.Unsubscribe(context.Background(), &Subscription{ID: "sub", Mailbox: ownMailbox}); err != nil {
		t.Error(err)
	}
	if want := `<m:Unsubscribe><m:SubscriptionId>sub</m:SubscriptionId></m:Unsubscribe>`; service.last() != want {
		t.Errorf("sent %s", service.last())
	}
}
