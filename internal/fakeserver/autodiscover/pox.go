package autodiscover

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	poxResponseNS = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
	poxOutlookNS  = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
)

type poxRequest struct {
	XMLName xml.Name `xml:"http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006 Autodiscover"`
	Address string   `xml:"Request>EMailAddress"`
	Schema  string   `xml:"Request>AcceptableResponseSchema"`
}

// servePOX serves the form that Outlook has used since 2007.
func (s *Server) servePOX(w http.ResponseWriter, r *http.Request, body []byte) {
	var q poxRequest
	if err := xml.Unmarshal(body, &q); err != nil || strings.TrimSpace(q.Address) == "" {
		poxError(w, 600, "Invalid Request")
		return
	}
	if strings.TrimSpace(q.Schema) != poxOutlookNS {
		poxError(w, 601, "Provider is not available")
		return
	}
	address := strings.TrimSpace(q.Address)
	o := s.ask(r, POX, address)
	switch o.code {
	case noError:
		writePOX(w, `<User>`+element("DisplayName", cmp.Or(o.entry.DisplayName, address))+element("AutoDiscoverSMTPAddress", address)+`</User>`+
			`<Account><AccountType>email</AccountType><Action>settings</Action><MicrosoftOnline>False</MicrosoftOnline>`+
			poxProtocol("EXCH", o.entry, r)+poxProtocol("EXPR", o.entry, r)+`</Account>`)
	case redirectAddress:
		writePOX(w, `<Account><Action>redirectAddr</Action>`+element("RedirectAddr", o.target)+`</Account>`)
	case redirectURL:
		writePOX(w, `<Account><Action>redirectUrl</Action>`+element("RedirectUrl", o.target+"/autodiscover/autodiscover.xml")+`</Account>`)
	case invalidUser:
		poxError(w, 500, "The e-mail address cannot be found.")
	default:
		poxError(w, 603, "The Active Directory is not available.") // as near as this form comes
	}
}

// poxProtocol is one way to reach the mailbox. GroupingInformation is with EXPR, the one from outside, alone.
func poxProtocol(kind string, e Entry, r *http.Request) string {
	grouping := ""
	if kind == "EXPR" && e.Grouping != "" {
		grouping = element("GroupingInformation", e.Grouping)
	}
	return `<Protocol>` + element("Type", kind) + element("Server", r.Host) + element("ASUrl", e.ewsURL(r)) +
		element("EwsUrl", e.ewsURL(r)) + grouping + `</Protocol>`
}

func writePOX(w http.ResponseWriter, inner string) {
	writeXML(w, http.StatusOK, xml.Header+`<Autodiscover xmlns="`+poxResponseNS+`"><Response xmlns="`+poxOutlookNS+`">`+inner+`</Response></Autodiscover>`)
}

// poxError is HTTP's 200, and in a namespace of its own.
func poxError(w http.ResponseWriter, code int, message string) {
	writeXML(w, http.StatusOK, xml.Header+fmt.Sprintf(
		`<Autodiscover xmlns="%s"><Response><Error Time="%s" Id="2477272013"><ErrorCode>%d</ErrorCode><Message>%s</Message><DebugData/></Error></Response></Autodiscover>`,
		poxResponseNS, time.Now().Format("15:04:05.0000000"), code, escape(message)))
}
