package ews

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

const pushURL = "https://calendar.contoso.test/push/0f3a"

func TestAPushSubscriptionIsAskedForAsTheSchemaHasIt(t *testing.T) {
	s, service := script(t, Options{}, answering("Subscribe", subscribed), answering("Subscribe", subscribed))
	m := Mailbox{Folders: Distinguished("inbox"), Events: []EventType{NewMailEvent}}
	if _, err := s.SubscribePush(t.Context(), m, &PushOptions{URL: pushURL + "?a=1&b=2", StatusFrequency: time.Hour, CallerData: "<c>", Watermark: "AAAAAG"}); err != nil {
		t.Fatal(err)
	}
	if want := `<m:Subscribe><m:PushSubscriptionRequest><t:FolderIds><t:DistinguishedFolderId Id="inbox"></t:DistinguishedFolderId></t:FolderIds><t:EventTypes><t:EventType>NewMailEvent</t:EventType></t:EventTypes>` +
		`<t:Watermark>AAAAAG</t:Watermark><t:StatusFrequency>60</t:StatusFrequency><t:URL>` + pushURL + `?a=1&amp;b=2</t:URL><t:CallerData>&lt;c&gt;</t:CallerData></m:PushSubscriptionRequest></m:Subscribe>`; service.last() != want {
		t.Errorf("\nsent %s\nwant %s", service.last(), want)
	}
	if _, err := s.SubscribePush(t.Context(), Mailbox{}, &PushOptions{URL: pushURL}); err != nil {
		t.Fatal(err)
	}
	if want := `<m:Subscribe><m:PushSubscriptionRequest SubscribeToAllFolders="true">` + allSeven + `<t:StatusFrequency>30</t:StatusFrequency><t:URL>` + pushURL + `</t:URL></m:PushSubscriptionRequest></m:Subscribe>`; service.last() != want {
		t.Errorf("\nsent %s\nwant %s", service.last(), want)
	}
}

// Nor is the URL shown: a part of it is what keeps strangers away.
func TestWhatTheSchemaForbidsIsNotSubscribedTo(t *testing.T) {
	s, service := script(t, Options{})
	for name, o := range map[string]PushOptions{
		"nowhere":         {},
		"no scheme":       {URL: "s3cret.contoso.test/push"},
		"another scheme":  {URL: "ftp://s3cret.contoso.test/push"},
		"no host":         {URL: "https:///s3cret"},
		"no URL":          {URL: "https://s3cret\x7f/"},
		"too long":        {URL: "https://s3cret.contoso.test/" + strings.Repeat("a", maxPushURL)},
		"half a minute":   {URL: "https://s3cret.contoso.test/", StatusFrequency: 30 * time.Second},
		"more than a day": {URL: "https://s3cret.contoso.test/", StatusFrequency: 25 * time.Hour},
	} {
		if _, err := s.SubscribePush(t.Context(), Mailbox{}, &o); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(service.sent) > 0 {
		t.Errorf("sent: %s", service.sent)
	}
}

const (
	pushBegin = `<?xml version="1.0" encoding="utf-8"?><soap11:Envelope xmlns:soap11="http://schemas.xmlsoap.org/soap/envelope/"><soap11:Header><t:RequestServerVersion Version="Exchange2013_SP1" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"/></soap11:Header>` +
		`<soap11:Body><m:SendNotification xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><m:ResponseMessages>`
	pushEnd = `</m:ResponseMessages></m:SendNotification></soap11:Body></soap11:Envelope>`
)

// pushing is what the service sends: all is well, and this happened.
func pushing(content string) string {
	return pushBegin + `<m:SendNotificationResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:Notification>` + content + `</m:Notification></m:SendNotificationResponseMessage>` + pushEnd
}

func statusOf(id string) string {
	return pushing(`<t:SubscriptionId>` + id + `</t:SubscriptionId><t:PreviousWatermark>w0</t:PreviousWatermark><t:MoreEvents>false</t:MoreEvents><t:StatusEvent><t:Watermark>w0</t:Watermark></t:StatusEvent>`)
}

// push sends a body to the handler, and returns the status of the answer and
// the word in it, or its text.
func push(h http.Handler, body string) (status int, said string) {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/push/0f3a", strings.NewReader(body))
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	h.ServeHTTP(w, r)
	said = w.Body.String()
	if _, after, found := strings.Cut(said, "<SubscriptionStatus>"); found {
		said, _, _ = strings.Cut(after, "<")
	}
	return w.Code, strings.TrimSpace(said)
}

// subscribePush returns a handler with one subscription, to Ann's mailbox.
func subscribePush(t *testing.T, handle func(context.Context, *Push) error) (*PushHandler, *PushSubscription) {
	t.Helper()
	h := NewPushHandler(handle)
	s, _ := script(t, Options{}, answering("Subscribe", subscribed))
	p, err := h.Subscribe(t.Context(), s, Mailbox{Address: "ann@contoso.com", Folders: Distinguished("inbox")}, &PushOptions{URL: pushURL, StatusFrequency: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return h, p
}

func TestANotificationIsHandedOnAndAnsweredFor(t *testing.T) {
	var got []*Push
	h, p := subscribePush(t, func(_ context.Context, n *Push) error { got = append(got, n); return nil })
	if status, said := push(h, statusOf("sub")); status != http.StatusOK || said != "OK" {
		t.Errorf("%d %s", status, said)
	}
	if status, said := push(h, pushing(everyEvent)); status != http.StatusOK || said != "OK" {
		t.Errorf("%d %s", status, said)
	}
	if len(got) != 2 {
		t.Fatalf("%d notifications", len(got))
	}
	if want := (&Push{Subscription: p, Watermark: "w0", PreviousWatermark: "w0"}); !reflect.DeepEqual(got[0], want) {
		t.Errorf("%+v", got[0])
	}
	differing(t, got[1].Events, wantEveryEvent("ann@contoso.com"))
	if got[1].Watermark != "w7" || got[1].PreviousWatermark != "w0" || got[1].More {
		t.Errorf("%+v", got[1])
	}
}

func TestTheAnswerIsTheOneOfTheDocumentation(t *testing.T) {
	h := NewPushHandler(nil)
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(statusOf("stranger")))
	r.Header.Set("Content-Type", `text/xml;charset="UTF-8"`)
	h.ServeHTTP(w, r)
	want := `<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
		`<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><SendNotificationResult xmlns="http://schemas.microsoft.com/exchange/services/2006/messages">` +
		`<SubscriptionStatus>Unsubscribe</SubscriptionStatus></SendNotificationResult></soap:Body></soap:Envelope>`
	if w.Code != http.StatusOK || w.Body.String() != want || w.Header().Get("Content-Type") != "text/xml; charset=utf-8" {
		t.Errorf("%d %s\n%s", w.Code, w.Header(), w.Body)
	}
}

func TestNotificationsOfStrangersAreEndedAndNotHandedOn(t *testing.T) {
	h, _ := subscribePush(t, func(context.Context, *Push) error { t.Error("handed on"); return nil })
	for _, body := range []string{statusOf("stranger"), pushing(strings.Replace(everyEvent, " sub ", "SUB", 1))} {
		if status, said := push(h, body); status != http.StatusOK || said != "Unsubscribe" {
			t.Errorf("%d %s", status, said)
		}
	}
}

func TestWhatCouldNotBeDealtWithIsSentAgain(t *testing.T) {
	const secret = "the database is at 10.0.0.7"
	err := errors.New(secret)
	h, _ := subscribePush(t, func(context.Context, *Push) error { return err })
	if status, said := push(h, statusOf("sub")); status != http.StatusServiceUnavailable || strings.Contains(said, secret) {
		t.Errorf("%d %s", status, said)
	}
	err = nil
	if status, said := push(h, statusOf("sub")); status != http.StatusOK || said != "OK" {
		t.Errorf("%d %s", status, said)
	}
}

func TestAHandlerThatPanicsIsAskedAgain(t *testing.T) {
	panics := true
	h, _ := subscribePush(t, func(context.Context, *Push) error {
		if panics {
			panic("a bug")
		}
		return nil
	})
	func() {
		defer func() { _ = recover() }()
		push(h, statusOf("sub"))
	}()
	panics = false
	if status, said := push(h, statusOf("sub")); status != http.StatusOK || said != "OK" {
		t.Errorf("%d %s", status, said)
	}
}

// The service loses patience, and sends again what is being dealt with.
func TestOneNotificationOfASubscriptionIsHandledAtATime(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	h, _ := subscribePush(t, func(context.Context, *Push) error { close(entered); <-release; return nil })
	first := make(chan string)
	go func() { _, said := push(h, statusOf("sub")); first <- said }()
	<-entered
	if status, _ := push(h, statusOf("sub")); status != http.StatusServiceUnavailable {
		t.Errorf("%d", status)
	}
	close(release)
	if said := <-first; said != "OK" {
		t.Error(said)
	}
}

func TestWhatWasEndedIsUnsubscribed(t *testing.T) {
	handed := 0
	h, p := subscribePush(t, func(_ context.Context, n *Push) error { handed++; n.Subscription.End(); return errors.New("no more") })
	for range 2 {
		if status, said := push(h, statusOf("sub")); status != http.StatusOK || said != "Unsubscribe" {
			t.Errorf("%d %s", status, said)
		}
	}
	p.End()
	if handed != 1 {
		t.Errorf("handed on %d times", handed)
	}
	if err := p.Wait(t.Context()); !errors.Is(err, outlookstream.ErrSubscriptionGone) || !strings.Contains(err.Error(), "ann@contoso.com") {
		t.Error(err)
	}
}

func TestASubscriptionThatFailedSaysWhy(t *testing.T) {
	const what = `<m:MessageText>Events could not be` + "\u202e" + ` read.</m:MessageText><m:ResponseCode>ErrorReadEventsFailed</m:ResponseCode>`
	for name, id := range map[string]string{
		"in a notification": ` ResponseClass="Error">` + what + `<m:Notification><t:SubscriptionId>sub</t:SubscriptionId></m:Notification>`,
		"of no class":       `>` + what + `<m:Notification><t:SubscriptionId>sub</t:SubscriptionId></m:Notification>`,
		"as an id":          ` ResponseClass="Error">` + what + `<m:ErrorSubscriptionIds><m:SubscriptionId>sub</m:SubscriptionId></m:ErrorSubscriptionIds>`,
	} {
		h, p := subscribePush(t, func(context.Context, *Push) error { t.Error("handed on"); return nil })
		failed := pushBegin + `<m:SendNotificationResponseMessage` + id + `</m:SendNotificationResponseMessage>` + pushEnd
		if status, said := push(h, failed); status != http.StatusOK || said != "Unsubscribe" {
			t.Errorf("%s: %d %s", name, status, said)
		}
		if err := p.Wait(t.Context()); !errors.Is(err, outlookstream.ErrSubscriptionGone) || err.Error() != "ews: SendNotification for ann@contoso.com: ErrorReadEventsFailed: Events could not be  read." {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The first notification may be faster than the answer to Subscribe.
func TestANotificationBeforeTheAnswerIsNotLost(t *testing.T) {
	h := NewPushHandler(func(context.Context, *Push) error { return nil })
	service := &scripted{answers: []string{answering("Subscribe", subscribed), refusing("Subscribe", "ErrorAccessDenied")}}
	c, err := New(Bearer(auth.Static("s3cret")), &Options{URL: "https://mail.contoso.test/EWS/Exchange.asmx", HTTPClient: &http.Client{Transport: scriptedTransport(func(r *http.Request) (*http.Response, error) {
		if len(service.sent) > 0 {
			return service.RoundTrip(r)
		}
		if status, said := push(h, statusOf("sub")); status != http.StatusOK || said != "OK" {
			t.Errorf("the first notification: %d %s", status, said)
		}
		if status, _ := push(h, pushing(everyEvent)); status != http.StatusServiceUnavailable {
			t.Errorf("events that nobody can take yet: %d", status)
		}
		return service.RoundTrip(r)
	})}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Subscribe(t.Context(), c.Session(""), Mailbox{}, &PushOptions{URL: pushURL}); err != nil {
		t.Fatal(err)
	}
	if status, said := push(h, pushing(everyEvent)); status != http.StatusOK || said != "OK" {
		t.Errorf("sent again: %d %s", status, said)
	}
	if _, err := h.Subscribe(t.Context(), c.Session(""), Mailbox{}, &PushOptions{URL: pushURL}); !errors.Is(err, outlookstream.ErrForbidden) {
		t.Error(err)
	}
	if _, said := push(h, statusOf("stranger")); said != "Unsubscribe" {
		t.Errorf("when nobody subscribes any more: %s", said)
	}
}
