package autodiscover

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/calwatch/calwatch/outlookstream"
)

func encodePOX(address string) ([]byte, error) {
	return encode(struct {
		XMLName xml.Name `xml:"http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006 Autodiscover"`
		Address string   `xml:"Request>EMailAddress"`
		Schema  string   `xml:"Request>AcceptableResponseSchema"`
	}{Address: address, Schema: "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"})
}

type poxReply struct {
	XMLName  xml.Name
	Response *struct {
		Account *struct {
			Action          string `xml:"Action"`
			RedirectAddress string `xml:"RedirectAddr"`
			RedirectURL     string `xml:"RedirectUrl"`
			Protocols       []struct {
				Type     string `xml:"Type"`
				URL      string `xml:"EwsUrl"`
				Grouping string `xml:"GroupingInformation"`
			} `xml:"Protocol"`
		} `xml:"Account"`
		Error *struct {
			Code    string `xml:"ErrorCode"`
			Message string `xml:"Message"`
		} `xml:"Error"`
	} `xml:"Response"`
}

// unknownUser is POX's code for what SOAP calls InvalidUser.
const unknownUser = "500"

func parsePOX(body []byte, present func(string, int) string) ([]response, error) {
	var reply poxReply
	if err := xml.Unmarshal(body, &reply); err != nil || reply.Response == nil || reply.Response.Account == nil && reply.Response.Error == nil {
		return nil, fmt.Errorf("%w: it is not Autodiscover's XML", outlookstream.ErrMalformed)
	}
	if e := reply.Response.Error; e != nil {
		code := strings.TrimSpace(e.Code)
		if code == unknownUser {
			code = "InvalidUser"
		}
		return []response{{failure: &Failure{Code: present(code, maxCode), Message: present(strings.TrimSpace(e.Message), maxMessage)}}}, nil
	}
	account := reply.Response.Account
	var r response
	switch action := strings.TrimSpace(account.Action); {
	case strings.EqualFold(action, "redirectAddr"):
		r.redirectAddress = strings.TrimSpace(account.RedirectAddress)
	case strings.EqualFold(action, "redirectUrl"):
		r.redirectURL = strings.TrimSpace(account.RedirectURL)
	default:
		for _, p := range account.Protocols {
			switch strings.TrimSpace(p.Type) {
			case "EXPR": // from outside
				r.settings.set(externalURL, p.URL, present)
				r.settings.set(grouping, p.Grouping, present)
			case "EXCH":
				r.settings.set(internalURL, p.URL, present)
			}
		}
	}
	if r == (response{}) {
		return nil, fmt.Errorf("%w: an account without a protocol and without a redirect", outlookstream.ErrMalformed)
	}
	return []response{r}, nil
}

// parseJSON reads V2's answer.
func parseJSON(body []byte, present func(string, int) string) ([]response, error) {
	var reply struct{ Protocol, URL, ErrorCode, ErrorMessage string }
	if err := json.Unmarshal(body, &reply); err != nil || reply.URL == "" && reply.ErrorCode == "" {
		return nil, fmt.Errorf("%w: it is not Autodiscover's JSON", outlookstream.ErrMalformed)
	}
	if reply.URL == "" {
		return []response{{failure: &Failure{Code: present(reply.ErrorCode, maxCode), Message: present(reply.ErrorMessage, maxMessage)}}}, nil
	}
	var r response
	r.settings.set(externalURL, reply.URL, present)
	if r == (response{}) {
		return nil, fmt.Errorf("%w: an address that is too long", outlookstream.ErrMalformed)
	}
	return []response{r}, nil
}
