package autodiscover

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

const (
	soapNS         = "http://schemas.xmlsoap.org/soap/envelope/"
	addressingNS   = "http://www.w3.org/2005/08/addressing"
	autodiscoverNS = "http://schemas.microsoft.com/exchange/2010/Autodiscover"
	action         = autodiscoverNS + "/Autodiscover/GetUserSettings"
)

// soapRequest is what is read of a request. Names are strict here: the service is.
type soapRequest struct {
	XMLName xml.Name `xml:"http://schemas.xmlsoap.org/soap/envelope/ Envelope"`
	Header  struct {
		Version string `xml:"http://schemas.microsoft.com/exchange/2010/Autodiscover RequestedServerVersion"`
		Action  string `xml:"http://www.w3.org/2005/08/addressing Action"`
		To      string `xml:"http://www.w3.org/2005/08/addressing To"`
	} `xml:"http://schemas.xmlsoap.org/soap/envelope/ Header"`
	Body struct {
		Message *struct {
			Request *struct {
				Users    []string `xml:"http://schemas.microsoft.com/exchange/2010/Autodiscover Users>User>Mailbox"`
				Settings []string `xml:"http://schemas.microsoft.com/exchange/2010/Autodiscover RequestedSettings>Setting"`
			} `xml:"http://schemas.microsoft.com/exchange/2010/Autodiscover Request"`
		} `xml:"http://schemas.microsoft.com/exchange/2010/Autodiscover GetUserSettingsRequestMessage"`
	} `xml:"http://schemas.xmlsoap.org/soap/envelope/ Body"`
}

// knownSettings are those that the service knows and that this one has nothing to say about, beside those it has.
var knownSettings = []string{
	"UserDisplayName", "UserDN", "UserDeploymentId", "InternalMailboxServer", "MailboxDN", "ActiveDirectoryServer",
	"CasVersion", "EwsSupportedSchemas", "ExternalEwsUrl", "InternalEwsUrl", "GroupingInformation", "ExternalEwsVersion",
	"AutoDiscoverSMTPAddress", "MobileMailboxPolicy", "ExternalMailboxServer", "AlternateMailboxes", "EwsPartnerUrl",
}

// serveSOAP serves GetUserSettings.
func (s *Server) serveSOAP(w http.ResponseWriter, r *http.Request, body []byte) {
	var q soapRequest
	switch err := xml.Unmarshal(body, &q); {
	case err != nil:
		soapFault(w, "s:Client", "The message is no SOAP envelope: "+err.Error())
		return
	case strings.TrimSpace(q.Header.Action) != action:
		soapFault(w, "a:ActionNotSupported", "The message with Action '"+strings.TrimSpace(q.Header.Action)+"' cannot be processed at the receiver.")
		return
	case q.Body.Message == nil || q.Body.Message.Request == nil:
		soapFault(w, "s:Client", "The body has no GetUserSettingsRequestMessage with a Request.")
		return
	}
	req := q.Body.Message.Request
	var b strings.Builder
	code, message := "NoError", ""
	switch {
	case q.Header.Version == "":
		code, message = "InvalidRequest", "The RequestedServerVersion header is missing."
	case len(req.Users) == 0:
		code, message = "InvalidRequest", "No users were specified."
	case len(req.Settings) == 0:
		code, message = "InvalidRequest", "No settings were requested."
	case len(req.Users) > s.opts.MaxUsers:
		code, message = "InvalidRequest", fmt.Sprintf("The number of users in the request exceeds the maximum of %d.", s.opts.MaxUsers)
	default:
		b.WriteString("<UserResponses>")
		for _, user := range req.Users {
			writeUser(&b, r, s.ask(r, SOAP, strings.TrimSpace(user)), strings.TrimSpace(user), req.Settings)
		}
		b.WriteString("</UserResponses>")
	}
	responses := cmp.Or(b.String(), "<UserResponses/>")
	writeXML(w, http.StatusOK, `<s:Envelope xmlns:s="`+soapNS+`" xmlns:a="`+addressingNS+`"><s:Header>`+
		`<a:Action s:mustUnderstand="1">`+action+`Response</a:Action>`+
		`<h:ServerVersionInfo xmlns:h="`+autodiscoverNS+`" xmlns:i="http://www.w3.org/2001/XMLSchema-instance">`+
		`<h:MajorVersion>15</h:MajorVersion><h:MinorVersion>20</h:MinorVersion>`+
		`<h:MajorBuildNumber>9412</h:MajorBuildNumber><h:MinorBuildNumber>7</h:MinorBuildNumber><h:Version>Exchange2015</h:Version>`+
		`</h:ServerVersionInfo></s:Header><s:Body>`+
		`<GetUserSettingsResponseMessage xmlns="`+autodiscoverNS+`"><Response xmlns:i="http://www.w3.org/2001/XMLSchema-instance">`+
		element("ErrorCode", code)+element("ErrorMessage", message)+responses+
		`</Response></GetUserSettingsResponseMessage></s:Body></s:Envelope>`)
}

func writeUser(b *strings.Builder, r *http.Request, o outcome, address string, settings []string) {
	b.WriteString("<UserResponse>" + element("ErrorCode", o.code) + element("ErrorMessage", o.message))
	switch o.code {
	case redirectAddress:
		b.WriteString(element("RedirectTarget", o.target))
	case redirectURL:
		b.WriteString(element("RedirectTarget", o.target+"/autodiscover/autodiscover.svc"))
	default:
		b.WriteString(`<RedirectTarget i:nil="true"/>`)
	}
	var wrong, right strings.Builder
	if o.code == noError {
		for _, name := range settings {
			name = strings.TrimSpace(name)
			value, ok := o.entry.setting(r, address, name)
			switch {
			case ok:
				right.WriteString(`<UserSetting i:type="StringSetting">` + element("Name", name) + element("Value", value) + "</UserSetting>")
			case slices.Contains(knownSettings, name):
				wrong.WriteString(settingError("SettingIsNotAvailable", name, "The setting isn't available."))
			default:
				wrong.WriteString(settingError("InvalidSetting", name, "The setting isn't valid."))
			}
		}
	}
	b.WriteString("<UserSettingErrors>" + wrong.String() + "</UserSettingErrors><UserSettings>" + right.String() + "</UserSettings></UserResponse>")
}

func settingError(code, name, message string) string {
	return "<UserSettingError>" + element("ErrorCode", code) + element("ErrorMessage", message) + element("SettingName", name) + "</UserSettingError>"
}

// setting is a mailbox's; false if it has none.
func (e Entry) setting(r *http.Request, address, name string) (string, bool) {
	switch name {
	case "ExternalEwsUrl", "InternalEwsUrl":
		return e.ewsURL(r), true
	case "GroupingInformation":
		return e.Grouping, e.Grouping != ""
	case "EwsSupportedSchemas":
		return "Exchange2007, Exchange2007_SP1, Exchange2010, Exchange2010_SP1, Exchange2010_SP2, Exchange2013, Exchange2013_SP1, Exchange2015", true
	case "CasVersion", "ExternalEwsVersion":
		return "15.20.9412.000", true
	case "UserDisplayName":
		return cmp.Or(e.DisplayName, address), true
	case "AutoDiscoverSMTPAddress":
		return address, true
	}
	return "", false
}

// soapFault answers with a fault of the framework below the service.
func soapFault(w http.ResponseWriter, code, text string) {
	writeXML(w, http.StatusInternalServerError, `<s:Envelope xmlns:s="`+soapNS+`"><s:Body><s:Fault>`+
		`<faultcode xmlns:a="`+addressingNS+`">`+code+`</faultcode><faultstring xml:lang="en-US">`+escape(text)+
		`</faultstring></s:Fault></s:Body></s:Envelope>`)
}

func element(name, text string) string {
	if text == "" {
		return "<" + name + "/>"
	}
	return "<" + name + ">" + escape(text) + "</" + name + ">"
}

func escape(text string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(text)) // a strings.Builder takes everything
	return b.String()
}

func writeXML(w http.ResponseWriter, status int, document string) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.WriteHeader(status)
	w.Write([]byte(document)) // who has gone needs no answer
}
