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

func TestAServerThatIsOlderIsAskedInItsOwnVersion(t *testing.T) {
	s, service := script(t, Options{},
		versionFault("ErrorInvalidServerVersion"), versionFault("ErrorIncorrectSchemaVersion"), refusing("Subscribe", "ErrorInvalidSchemaVersionForMailboxVersion"),
		versionFault("ErrorInvalidServerVersion"), answering("Subscribe", subscribed))
	for i, version := range []string{"Exchange2013_SP1", "Exchange2013", "Exchange2010_SP2", "Exchange2010_SP1", "Exchange2010_SP1"} {
		_, err := s.Subscribe(t.Context(), Mailbox{})
		if i < 4 && !errors.Is(err, ErrVersion) || i == 4 && err != nil {
			t.Errorf("request %d: %v", i, err)
		}
		if !strings.Contains(service.sent[i], `<t:RequestServerVersion Version="`+version+`">`) {
			t.Errorf("request %d is not of %s: %s", i, version, service.sent[i])
		}
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
	first := s.client.version.Load()
	s.client.stepDown(first, refused)
	s.client.stepDown(s.client.version.Load(), refused)
	s.client.stepDown(first, refused) // the answer to this one took longer
	if now := *s.client.version.Load(); now != "Exchange2010_SP2" {
		t.Error(now)
	}
}
