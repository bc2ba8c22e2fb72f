package ews

import (
	"encoding/xml"
	"strings"
	"testing"
	"time"
)

// The shapes are the documentation's, with its prefixes.
const (
	envelopeBefore = `<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
		`<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">` +
		`<soap:Header><t:RequestServerVersion Version="Exchange2013_SP1"></t:RequestServerVersion>`
	envelopeImpersonation = `<t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>room1@contoso.test</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>`
	envelopeBetween       = `</soap:Header><soap:Body>`
	envelopeAfter         = `</soap:Body></soap:Envelope>`
	allEvents             = `<t:EventTypes><t:EventType>CopiedEvent</t:EventType><t:EventType>CreatedEvent</t:EventType><t:EventType>DeletedEvent</t:EventType>` +
		`<t:EventType>ModifiedEvent</t:EventType><t:EventType>MovedEvent</t:EventType><t:EventType>NewMailEvent</t:EventType><t:EventType>FreeBusyChangedEvent</t:EventType></t:EventTypes>`
)

func TestRequestsAreWrittenAsTheDocumentationHasThem(t *testing.T) {
	plain, acting := Options{}, Options{Impersonate: true}
	subscribeTo := func(m Mailbox) func(*Session) error {
		return func(s *Session) error { _, err := s.Subscribe(t.Context(), m); return err }
	}
	for name, tt := range map[string]struct {
		opts Options
		call func(*Session) error
		want string // the header's rest, "|", the body
	}{
		"all folders": {plain, subscribeTo(Mailbox{}),
			`|<m:Subscribe><m:StreamingSubscriptionRequest SubscribeToAllFolders="true">` + allEvents + `</m:StreamingSubscriptionRequest></m:Subscribe>`},
		"folders and events, in the caller's order": {plain, subscribeTo(Mailbox{Folders: []Folder{{Distinguished: "inbox"}, {ID: "AAMk<&", ChangeKey: "AQ=="}, {ID: "x"}, {Distinguished: "calendar"}}, Events: []EventType{MovedEvent, CreatedEvent}}),
			`|<m:Subscribe><m:StreamingSubscriptionRequest><t:FolderIds><t:DistinguishedFolderId Id="inbox"></t:DistinguishedFolderId><t:FolderId Id="AAMk&lt;&amp;" ChangeKey="AQ=="></t:FolderId>` +
				`<t:FolderId Id="x"></t:FolderId><t:DistinguishedFolderId Id="calendar"></t:DistinguishedFolderId></t:FolderIds><t:EventTypes><t:EventType>MovedEvent</t:EventType><t:EventType>CreatedEvent</t:EventType></t:EventTypes></m:StreamingSubscriptionRequest></m:Subscribe>`},
		"another person's folder": {plain, subscribeTo(Mailbox{Address: "room1@contoso.test", Folders: Distinguished("calendar"), Events: []EventType{CreatedEvent}}),
			`|<m:Subscribe><m:StreamingSubscriptionRequest><t:FolderIds><t:DistinguishedFolderId Id="calendar"><t:Mailbox><t:EmailAddress>room1@contoso.test</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId></t:FolderIds>` +
				`<t:EventTypes><t:EventType>CreatedEvent</t:EventType></t:EventTypes></m:StreamingSubscriptionRequest></m:Subscribe>`},
		"as another person": {acting, subscribeTo(Mailbox{Address: "room1@contoso.test", Folders: Distinguished("calendar"), Events: []EventType{CreatedEvent}}),
			envelopeImpersonation + `|<m:Subscribe><m:StreamingSubscriptionRequest><t:FolderIds><t:DistinguishedFolderId Id="calendar"></t:DistinguishedFolderId></t:FolderIds>` +
				`<t:EventTypes><t:EventType>CreatedEvent</t:EventType></t:EventTypes></m:StreamingSubscriptionRequest></m:Subscribe>`},
		"listening": {Options{ConnectionTimeout: 5 * time.Minute}, func(s *Session) error { _, err := s.Open(t.Context(), twoSubscriptions()...); return err },
			`|<m:GetStreamingEvents><m:SubscriptionIds><t:SubscriptionId>one</t:SubscriptionId><t:SubscriptionId>two</t:SubscriptionId></m:SubscriptionIds><m:ConnectionTimeout>5</m:ConnectionTimeout></m:GetStreamingEvents>`},
		"listening as the first": {acting, func(s *Session) error {
			_, err := s.Open(t.Context(), &Subscription{ID: "one", Mailbox: "room1@contoso.test"}, &Subscription{ID: "two", Mailbox: "room2@contoso.test"})
			return err
		}, envelopeImpersonation + `|<m:GetStreamingEvents><m:SubscriptionIds><t:SubscriptionId>one</t:SubscriptionId><t:SubscriptionId>two</t:SubscriptionId></m:SubscriptionIds><m:ConnectionTimeout>29</m:ConnectionTimeout></m:GetStreamingEvents>`},
		"unsubscribing": {plain, func(s *Session) error { return s.Unsubscribe(t.Context(), twoSubscriptions()[0]) },
			`|<m:Unsubscribe><m:SubscriptionId>one</m:SubscriptionId></m:Unsubscribe>`},
		"unsubscribing as another person": {acting, func(s *Session) error {
			return s.Unsubscribe(t.Context(), &Subscription{ID: "one", Mailbox: "room1@contoso.test"})
		}, envelopeImpersonation + `|<m:Unsubscribe><m:SubscriptionId>one</m:SubscriptionId></m:Unsubscribe>`},
		"unsubscribing one's own": {acting, func(s *Session) error {
			return s.Unsubscribe(t.Context(), &Subscription{ID: "one", Mailbox: "me"})
		}, `|<m:Unsubscribe><m:SubscriptionId>one</m:SubscriptionId></m:Unsubscribe>`},
	} {
		var sent string
		s := servedBy(t, tt.opts, keeping(&sent, func() string { return anOK })).Session("")
		_ = tt.call(s) // of no interest: the answer is none
		header, body, _ := strings.Cut(tt.want, "|")
		if want := envelopeBefore + header + envelopeBetween + body + envelopeAfter; sent != want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, sent, want)
		}
		if err := xml.Unmarshal([]byte(sent), new(struct{})); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAStreamIsTheAnchors(t *testing.T) {
	var sent string
	s := servedBy(t, Options{Impersonate: true}, keeping(&sent, func() string { return anOK })).Session("anchor@contoso.test")
	st, err := s.Open(t.Context(), twoSubscriptions()...)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if !strings.Contains(sent, "<t:PrimarySmtpAddress>anchor@contoso.test<") {
		t.Error(sent)
	}
}
