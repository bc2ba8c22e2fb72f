package ews

import (
	"errors"
	"strings"
	"testing"
)

func versionFault(code string) string {
	return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode xmlns:a="http://schemas.microsoft.com/exchange/services/2006/types">a:` + code + `</faultcode>` +
		`<faultstring xml:lang="en-US">Not that one.</faultstring><detail><e:ResponseCode xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors">` + code + `</e:ResponseCode></detail></s:Fault></s:Body></s:Envelope>`
}

func schemaFault(text string) string {
	return strings.ReplaceAll(versionFault("ErrorSchemaValidation"), "Not that one.", text)
}

// pullTo asks for what every version has.
var pullTo = Mailbox{Folders: Distinguished("inbox"), Events: []EventType{CreatedEvent}}

func TestAServerThatIsOlderIsAskedInItsOwnVersion(t *testing.T) {
	refused := versionFault("ErrorInvalidServerVersion")
	s, service := script(t, Options{}, refused, versionFault("ErrorIncorrectSchemaVersion"), refusing("Subscribe", "ErrorInvalidSchemaVersionForMailboxVersion"),
		refused, schemaFault("The 'Version' attribute is invalid - The value 'Exchange2010' is invalid according to its datatype 'ExchangeVersionType'"),
		answering("Subscribe", subscribed), refused)
	for i, version := range []string{"Exchange2013_SP1", "Exchange2013", "Exchange2010_SP2", "Exchange2010_SP1", "Exchange2010", "Exchange2007_SP1", "Exchange2007_SP1"} {
		_, err := s.SubscribePull(t.Context(), pullTo, nil)
		if i != 5 && !errors.Is(err, ErrVersion) || i == 5 && err != nil {
			t.Errorf("request %d: %v", i, err)
		}
		if failure, _ := errors.AsType[*Error](err); failure != nil && failure.again != (i < 5) {
			t.Errorf("request %d: to be made again: %v", i, failure.again)
		}
		if !strings.Contains(service.sent[i], `<t:RequestServerVersion Version="`+version+`">`) {
			t.Errorf("request %d is not of %s: %s", i, version, service.sent[i])
		}
	}
}

// The server may have been upgraded: it is asked in the first version that has streams.
func TestAStreamOfAServerThatIsTooOldIsErrVersion(t *testing.T) {
	s, service := script(t, Options{}, versionFault("ErrorInvalidServerVersion"), answering("Subscribe", subscribed), answering("Subscribe", subscribed))
	s.version.Store(&versions[len(versions)-1])
	_, err := s.Subscribe(t.Context(), pullTo)
	if !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), "use SubscribePull") {
		t.Errorf("%v", err)
	}
	if now := *s.version.Load(); now != "Exchange2007_SP1" {
		t.Errorf("it is asked in %s", now)
	}
	for range 2 {
		if _, err := s.Subscribe(t.Context(), pullTo); err != nil {
			t.Error(err)
		}
	}
	for _, sent := range service.sent {
		if !strings.Contains(sent, `Version="Exchange2010_SP1"`) {
			t.Error(sent)
		}
	}
	if now := *s.version.Load(); now != "Exchange2010_SP1" {
		t.Errorf("it was upgraded, and is asked in %s", now)
	}
}

func TestAStreamOfAnOldVersionThatWasChosenIsNotAskedFor(t *testing.T) {
	s, service := script(t, Options{Version: "Exchange2010"})
	_, err := s.Subscribe(t.Context(), pullTo)
	if !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), "Options.Version is Exchange2010: use SubscribePull") {
		t.Errorf("%v", err)
	}
	if _, err := s.Open(t.Context(), &Subscription{ID: "x"}); !errors.Is(err, ErrVersion) {
		t.Errorf("%v", err)
	}
	if len(service.sent) != 0 {
		t.Error(service.sent)
	}
}

func TestWhatAVersionDoesNotHaveIsNotAskedFor(t *testing.T) {
	free := Mailbox{Folders: pullTo.Folders, Events: []EventType{FreeBusyChangedEvent}}
	for _, tt := range []struct {
		version string
		mailbox Mailbox
		says    string // "": it is asked for
	}{
		{"Exchange2010_SP1", free, ""},
		{"Exchange2010", free, "leave it out of Mailbox.Events"},
		{"Exchange2010", Mailbox{}, ""},
		{"Exchange2007_SP1", Mailbox{}, "name folders"},
		{"Exchange2007", Mailbox{}, "name folders"},
		{"Exchange2007_SP1", Mailbox{Folders: pullTo.Folders}, ""},
		{"V2017_07_11", Mailbox{}, ""},
	} {
		s, service := script(t, Options{Version: tt.version}, answering("Subscribe", subscribed))
		_, err := s.SubscribePull(t.Context(), tt.mailbox, nil)
		if tt.says == "" {
			free := strings.Contains(strings.Join(service.sent, ""), "FreeBusyChangedEvent")
			if old := isBefore(tt.version, streamsSince); err != nil || free == old {
				t.Errorf("%s: %v: %s", tt.version, err, service.sent)
			}
			continue
		}
		if !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), tt.says) || !isMailboxFatal(err) || len(service.sent) != 0 {
			t.Errorf("%s: %v: %s", tt.version, err, service.sent)
		}
	}
}

// An old server is nothing to the others.
func TestEachServerHasItsVersion(t *testing.T) {
	s, _ := script(t, Options{})
	elsewhere, err := parseURL("https://legacy.contoso.test/EWS/Exchange.asmx")
	if err != nil {
		t.Fatal(err)
	}
	other := s.client.sessionAt(elsewhere, "")
	s.stepDown(s.version.Load(), &Error{Code: "ErrorInvalidServerVersion"})
	if a, b, c := *s.version.Load(), *s.client.Session("x").version.Load(), *other.version.Load(); a != "Exchange2013" || b != a || c != defaultVersion {
		t.Error(a, b, c)
	}
}

func TestAVersionThatWasChosenStays(t *testing.T) {
	s, service := script(t, Options{Version: "Exchange2013"}, versionFault("ErrorInvalidServerVersion"), versionFault("ErrorInvalidServerVersion"))
	for i := range 2 {
		if _, err := s.Subscribe(t.Context(), Mailbox{}); !errors.Is(err, ErrVersion) || !strings.Contains(service.sent[i], `Version="Exchange2013"`) {
			t.Errorf("%v: %s", err, service.sent[i])
		}
	}
}

func TestOtherErrorsAreNoReasonForAnEarlierVersion(t *testing.T) {
	s, service := script(t, Options{}, versionFault("ErrorSchemaValidation"), answering("Subscribe", subscribed))
	_, _ = s.Subscribe(t.Context(), Mailbox{})
	if _, err := s.Subscribe(t.Context(), Mailbox{}); err != nil || !strings.Contains(service.sent[1], `Version="Exchange2013_SP1"`) {
		t.Errorf("%v: %s", err, service.sent[1])
	}
}

func TestRequestsUnderWayStepDownTogether(t *testing.T) {
	s, _ := script(t, Options{})
	refused := &Error{Code: "ErrorInvalidServerVersion"}
	first := s.version.Load()
	s.stepDown(first, refused)
	s.stepDown(s.version.Load(), refused)
	s.stepDown(first, refused) // the answer to this one took longer
	if now := *s.version.Load(); now != "Exchange2010_SP2" {
		t.Error(now)
	}
}
