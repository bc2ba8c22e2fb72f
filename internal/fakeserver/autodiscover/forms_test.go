package autodiscover

import (
	"encoding/xml"
	"strings"
	"testing"
)

// pox is the request of the documentation.
func pox(address string) string {
	return `<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request><EMailAddress>` + address +
		`</EMailAddress><AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>`
}

type poxAnswer struct {
	Action    string `xml:"Response>Account>Action"`
	Protocols []struct {
		Type     string `xml:"Type"`
		EWS      string `xml:"EwsUrl"`
		Grouping string `xml:"GroupingInformation"`
	} `xml:"Response>Account>Protocol"`
	Name    string `xml:"Response>User>DisplayName"`
	Address string `xml:"Response>Account>RedirectAddr"`
	URL     string `xml:"Response>Account>RedirectUrl"`
	Error   int    `xml:"Response>Error>ErrorCode"`
}

func (f *fixture) pox(request string) poxAnswer {
	f.t.Helper()
	w := f.ask("POST", "/autodiscover/autodiscover.xml", request)
	f.wantIn(w, 200)
	var a poxAnswer
	if err := xml.Unmarshal(w.Body.Bytes(), &a); err != nil {
		f.t.Fatalf("%v: %s", err, w.Body)
	}
	return a
}

func TestPOXSaysTheSame(t *testing.T) {
	f := newFixture(t, Options{})
	a := f.pox(pox(alex))
	if a.Action != "settings" || a.Name != "Alex & Wilber" || len(a.Protocols) != 2 || a.Protocols[0].Grouping != "" ||
		a.Protocols[1].Type != "EXPR" || a.Protocols[1].Grouping != "VE1PR03" || a.Protocols[1].EWS != "https://mail.fake.test/EWS/Exchange.asmx" {
		t.Errorf("got %+v", a)
	}
	if a := f.pox(pox(renamed)); a.Action != "redirectAddr" || a.Address != "Alex@contoso.test" {
		t.Errorf("redirected to an address: %+v", a)
	}
	if a := f.pox(pox(moved)); a.Action != "redirectUrl" || a.URL != "https://other.fake.test/autodiscover/autodiscover.xml" {
		t.Errorf("redirected to a URL: %+v", a)
	}
	for request, code := range map[string]int{
		pox(nobody): 500, pox(broken): 603, pox(""): 600, "<html>": 600, strings.Replace(pox(alex), "2006a", "2006", 1): 601,
	} {
		if a := f.pox(request); a.Error != code || a.Action != "" {
			t.Errorf("%s: %+v, want error %d", request, a, code)
		}
	}
}

func TestJSONSaysTheURLAlone(t *testing.T) {
	f := newFixture(t, Options{})
	for _, target := range []string{
		"/autodiscover/autodiscover.json/v1.0/alex@contoso.test?Protocol=EWS", "/Autodiscover/autodiscover.json?Email=alex%40contoso.test&protocol=EWS",
	} {
		w := f.ask("GET", target, "")
		f.wantIn(w, 200)
		if got := strings.TrimSpace(w.Body.String()); got != `{"Protocol":"EWS","Url":"https://mail.fake.test/EWS/Exchange.asmx"}` {
			t.Errorf("%s: %s", target, got)
		}
	}
	const question = "/autodiscover/autodiscover.json?Protocol=EWS&Email="
	f.wantIn(f.ask("GET", question+nobody, ""), 404, `"UserNotFound"`)
	f.wantIn(f.ask("GET", question+"nobody", ""), 400, `"InvalidUserId"`)
	f.wantIn(f.ask("GET", question+broken, ""), 503, `"ServerBusy"`)
	f.wantIn(f.ask("GET", "/autodiscover/autodiscover.json?Email="+alex, ""), 400, `"MandatoryParameterMissing"`)
	f.wantIn(f.ask("GET", "/autodiscover/autodiscover.json?Protocol=POP&Email="+alex, ""), 400, `"InvalidProtocol"`)
	f.wantIn(f.ask("GET", "/autodiscover/autodiscover.json?Protocol=AutodiscoverV1&Email="+alex, ""), 200, `/autodiscover/autodiscover.xml"`)
	f.wantIn(f.ask("POST", question+alex, ""), 405)
}

func TestJSONSendsOn(t *testing.T) {
	f := newFixture(t, Options{})
	w := f.ask("GET", "/autodiscover/autodiscover.json/v1.0/moved@contoso.test?Protocol=EWS", "")
	f.wantIn(w, 302)
	const want = "https://other.fake.test/autodiscover/autodiscover.json?Email=moved%40contoso.test&Protocol=EWS&RedirectCount=1"
	if got := w.Header().Get("Location"); got != want {
		t.Errorf("sent to %s, want %s", got, want)
	}
	f.table.Set(broken, Entry{RedirectURL: "https://MAIL.fake.test/"}) // where it asks
	f.wantIn(f.ask("GET", "/autodiscover/autodiscover.json?Protocol=EWS&Email="+broken, ""), 200, `"https://mail.fake.test/EWS/Exchange.asmx"`)
	f.table.Set(broken, Entry{RedirectURL: "/"})
	f.wantIn(f.ask("GET", "/autodiscover/autodiscover.json?Protocol=EWS&Email="+broken, ""), 302)
	w = f.ask("GET", "/autodiscover/autodiscover.json?Protocol=EWS&RedirectCount=3&Email="+renamed, "")
	if got := w.Header().Get("Location"); got != "https://mail.fake.test/autodiscover/autodiscover.json?Email=Alex%40contoso.test&Protocol=EWS&RedirectCount=4" {
		t.Errorf("sent to %s", got)
	}
	f.wantIn(f.ask("GET", "/autodiscover/autodiscover.json?Protocol=EWS&RedirectCount=10&Email="+moved, ""), 400, `"TooManyRedirects"`)
}
