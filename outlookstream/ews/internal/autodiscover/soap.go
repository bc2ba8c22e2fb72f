package autodiscover

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/calwatch/calwatch/outlookstream"
)

const (
	// requestedVersion is that of the first server that tells GroupingInformation.
	requestedVersion = "Exchange2013"
	soapAction       = "http://schemas.microsoft.com/exchange/2010/Autodiscover/Autodiscover/GetUserSettings"

	maxCode    = 128
	maxMessage = 1 << 10
	maxValue   = 2 << 10 // of a setting
)

// Names of settings.
const (
	externalURL = "ExternalEwsUrl"
	internalURL = "InternalEwsUrl"
	grouping    = "GroupingInformation"
	casVersion  = "CasVersion"
	ewsVersion  = "EwsSupportedSchemas" // asked for with the others: it is what support asks for
)

func encodeSOAP(to string, addresses []string) ([]byte, error) {
	type user struct {
		Mailbox string `xml:"a:Mailbox"`
	}
	users := make([]user, len(addresses))
	for i, address := range addresses {
		users[i].Mailbox = address
	}
	return encode(struct {
		XMLName  xml.Name `xml:"soap:Envelope"`
		Soap     string   `xml:"xmlns:soap,attr"`
		A        string   `xml:"xmlns:a,attr"`
		Wsa      string   `xml:"xmlns:wsa,attr"`
		Version  string   `xml:"soap:Header>a:RequestedServerVersion"`
		Action   string   `xml:"soap:Header>wsa:Action"`
		To       string   `xml:"soap:Header>wsa:To"`
		Users    []user   `xml:"soap:Body>a:GetUserSettingsRequestMessage>a:Request>a:Users>a:User"`
		Settings []string `xml:"soap:Body>a:GetUserSettingsRequestMessage>a:Request>a:RequestedSettings>a:Setting"`
	}{
		Soap:    "http://schemas.xmlsoap.org/soap/envelope/",
		A:       "http://schemas.microsoft.com/exchange/2010/Autodiscover",
		Wsa:     "http://www.w3.org/2005/08/addressing",
		Version: requestedVersion, Action: soapAction, To: to,
		Users:    users,
		Settings: []string{externalURL, internalURL, grouping, casVersion, ewsVersion},
	})
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	if err := xml.NewEncoder(&b).Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// soapReply is without namespaces: it is known by its names.
type soapReply struct {
	XMLName  xml.Name
	Response *struct {
		soapStatus
		Users []struct {
			soapStatus
			RedirectTarget string `xml:"RedirectTarget"`
			Settings       []struct {
				Name  string `xml:"Name"`
				Value string `xml:"Value"`
			} `xml:"UserSettings>UserSetting"`
		} `xml:"UserResponses>UserResponse"`
	} `xml:"Body>GetUserSettingsResponseMessage>Response"`
}

type soapStatus struct {
	Code    string `xml:"ErrorCode"`
	Message string `xml:"ErrorMessage"`
}

func (s *soapStatus) failure(present func(string, int) string) *Failure {
	code := strings.TrimSpace(s.Code)
	if code == "" || code == "NoError" {
		return nil
	}
	return &Failure{Code: present(code, maxCode), Message: present(strings.TrimSpace(s.Message), maxMessage)}
}

// parseSOAP reads an answer about n mailboxes, in the order of the request.
func parseSOAP(body []byte, n int, present func(string, int) string) ([]response, error) {
	var reply soapReply
	if err := xml.Unmarshal(body, &reply); err != nil || reply.Response == nil {
		return nil, fmt.Errorf("%w: it is not Autodiscover's SOAP", outlookstream.ErrMalformed)
	}
	all := make([]response, n)
	if whole := reply.Response.failure(present); whole != nil {
		for i := range all {
			all[i].failure = &Failure{Code: whole.Code, Message: whole.Message}
		}
		return all, nil
	}
	if len(reply.Response.Users) != n {
		return nil, fmt.Errorf("%w: %d answers about %d mailboxes", outlookstream.ErrMalformed, len(reply.Response.Users), n)
	}
	for i, r := range reply.Response.Users {
		target := strings.TrimSpace(r.RedirectTarget)
		switch strings.TrimSpace(r.Code) {
		case "RedirectAddress":
			all[i].redirectAddress = target
		case "RedirectUrl":
			all[i].redirectURL = target
		default:
			all[i].failure = r.failure(present)
			for _, s := range r.Settings {
				all[i].settings.set(s.Name, s.Value, present)
			}
		}
		if all[i] == (response{}) {
			all[i].failure = &Failure{Code: present(strings.TrimSpace(r.Code), maxCode), Message: "without a target, and without settings"}
		}
	}
	return all, nil
}

// set takes a setting over. The address for others is preferred to that for the
// server's own network.
func (s *Settings) set(name, value string, present func(string, int) string) {
	if value = strings.TrimSpace(value); value == "" || len(value) > maxValue {
		return
	}
	switch name {
	case externalURL:
		s.URL = value
	case internalURL:
		if s.URL == "" {
			s.URL = value
		}
	case grouping:
		s.Grouping = present(value, maxValue)
	case casVersion:
		s.Version = present(value, maxCode)
	}
}
