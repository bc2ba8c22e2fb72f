package autodiscover

import (
	"encoding/xml"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// getUserSettings is the request of the documentation.
func getUserSettings(settings string, users ...string) string {
	var list strings.Builder
	for _, user := range users {
		list.WriteString("<a:User><a:Mailbox>" + user + "</a:Mailbox></a:User>")
	}
	var names strings.Builder
	for name := range strings.FieldsSeq(settings) {
		names.WriteString("<a:Setting>" + name + "</a:Setting>")
	}
	return `<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:a="http://schemas.microsoft.com/exchange/2010/Autodiscover" xmlns:wsa="http://www.w3.org/2005/08/addressing" xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">
<soap:Header><a:RequestedServerVersion>Exchange2013</a:RequestedServerVersion>
<wsa:Action>http://schemas.microsoft.com/exchange/2010/Autodiscover/Autodiscover/GetUserSettings</wsa:Action>
<wsa:To>https://mail.fake.test/autodiscover/autodiscover.svc</wsa:To></soap:Header>
<soap:Body><a:GetUserSettingsRequestMessage><a:Request><a:Users>` + list.String() + `</a:Users><a:RequestedSettings>` + names.String() +
		`</a:RequestedSettings></a:Request></a:GetUserSettingsRequestMessage></soap:Body></soap:Envelope>`
}

// soapAnswer is what a client reads.
type soapAnswer struct {
	Version  string `xml:"Header>ServerVersionInfo>Version"`
	Response struct {
		Code    string `xml:"ErrorCode"`
		Message string `xml:"ErrorMessage"`
		Users   []struct {
			Code     string `xml:"ErrorCode"`
			Target   string `xml:"RedirectTarget"`
			Settings []struct {
				Name  string `xml:"Name"`
				Value string `xml:"Value"`
			} `xml:"UserSettings>UserSetting"`
			Wrong []struct {
				Code string `xml:"ErrorCode"`
				Name string `xml:"SettingName"`
			} `xml:"UserSettingErrors>UserSettingError"`
		} `xml:"UserResponses>UserResponse"`
	} `xml:"Body>GetUserSettingsResponseMessage>Response"`
}

func (f *fixture) soap(request string) soapAnswer {
	f.t.Helper()
	w := f.ask("POST", "/autodiscover/autodiscover.svc", request)
	f.wantIn(w, 200)
	var a soapAnswer
	if err := xml.Unmarshal(w.Body.Bytes(), &a); err != nil {
		f.t.Fatalf("%v: %s", err, w.Body)
	}
	return a
}

func TestSOAPAnswersForEachUser(t *testing.T) {
	f := newFixture(t, Options{})
	a := f.soap(getUserSettings("ExternalEwsUrl GroupingInformation UserDN Nonsense", "ALEX@contoso.test", moved, renamed, broken, old, nobody))
	var got []string
	for _, u := range a.Response.Users {
		got = append(got, fmt.Sprint(u.Code, " ", u.Target, " ", u.Settings, " ", u.Wrong))
	}
	want := []string{
		"NoError  [{ExternalEwsUrl https://mail.fake.test/EWS/Exchange.asmx} {GroupingInformation VE1PR03}] [{SettingIsNotAvailable UserDN} {InvalidSetting Nonsense}]",
		"RedirectUrl https://other.fake.test/autodiscover/autodiscover.svc [] []",
		"RedirectAddress Alex@contoso.test [] []",
		"ServerBusy  [] []",
		"NoError  [{ExternalEwsUrl https://mail.contoso.test/EWS/Exchange.asmx}] [{SettingIsNotAvailable GroupingInformation} {SettingIsNotAvailable UserDN} {InvalidSetting Nonsense}]",
		"InvalidUser  [] []",
	}
	if a.Response.Code != "NoError" || a.Version == "" || !reflect.DeepEqual(got, want) {
		t.Errorf("%q, version %q, got\n%s\nwant\n%s", a.Response.Code, a.Version, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if q := f.s.Questions(); len(q) != 6 || q[0].Address != "ALEX@contoso.test" || q[1].Answer != "RedirectUrl" || q[5].Form != SOAP {
		t.Errorf("questions %+v", q)
	}
}

func TestAMailboxThatMovesIsFoundElsewhere(t *testing.T) {
	f := newFixture(t, Options{})
	f.table.Set(alex, Entry{EWSURL: "/b/EWS/Exchange.asmx", Grouping: "VE1PR04"})
	a := f.soap(getUserSettings("ExternalEwsUrl GroupingInformation", alex))
	if got := fmt.Sprint(a.Response.Users[0].Settings); got != "[{ExternalEwsUrl https://mail.fake.test/b/EWS/Exchange.asmx} {GroupingInformation VE1PR04}]" {
		t.Errorf("got %s", got)
	}
	f.table.Remove(alex)
	if a := f.soap(getUserSettings("ExternalEwsUrl", alex)); a.Response.Users[0].Code != "InvalidUser" {
		t.Errorf("a mailbox that is gone: %+v", a)
	}
}

func TestABatchHasALimit(t *testing.T) {
	f := newFixture(t, Options{})
	users := make([]string, 101)
	for i := range users {
		users[i] = fmt.Sprintf("u%d@contoso.test", i)
	}
	if a := f.soap(getUserSettings("ExternalEwsUrl", users[:100]...)); a.Response.Code != "NoError" || len(a.Response.Users) != 100 {
		t.Errorf("100 users: %s, %d answers", a.Response.Code, len(a.Response.Users))
	}
	if a := f.soap(getUserSettings("ExternalEwsUrl", users...)); a.Response.Code != "InvalidRequest" || len(a.Response.Users) != 0 || !strings.Contains(a.Response.Message, "100") {
		t.Errorf("101 users: %+v", a)
	}
}

func TestSOAPIsStrict(t *testing.T) {
	f := newFixture(t, Options{})
	good := getUserSettings("ExternalEwsUrl", alex)
	for name, test := range map[string]struct{ request, code string }{
		"no version":  {strings.Replace(good, "Exchange2013", "", 1), "InvalidRequest"},
		"no users":    {getUserSettings("ExternalEwsUrl"), "InvalidRequest"},
		"no settings": {getUserSettings("", alex), "InvalidRequest"},
	} {
		if a := f.soap(test.request); a.Response.Code != test.code {
			t.Errorf("%s: %q", name, a.Response.Code)
		}
	}
	for name, test := range map[string]struct{ request, code string }{
		"no action":    {strings.Replace(good, "wsa:Action", "wsa:Axion", 2), "<faultcode xmlns:a=\"http://www.w3.org/2005/08/addressing\">a:ActionNotSupported</faultcode>"},
		"other action": {strings.Replace(good, "/GetUserSettings<", "/GetDomainSettings<", 1), "a:ActionNotSupported"},
		"no envelope":  {"<html/>", "s:Client"},
		"no message":   {strings.ReplaceAll(good, "GetUserSettingsRequestMessage", "GetDomainSettingsRequestMessage"), "s:Client"},
	} {
		w := f.ask("POST", "/autodiscover/autodiscover.svc", test.request)
		f.wantIn(w, 500, test.code)
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

func TestWhoAsksHasToSayWhoTheyAre(t *testing.T) {
	f := newFixture(t, Options{Authenticate: knock})
	for _, path := range []string{"/autodiscover/autodiscover.svc", "/Autodiscover/Autodiscover.xml"} {
		f.wantIn(f.ask("POST", path, getUserSettings("ExternalEwsUrl", alex)), 401)
		f.wantIn(f.ask("GET", path, ""), 401)
		f.wantIn(f.ask("GET", path, "", "Authorization", "Basic YTpi"), 405)
	}
	f.wantIn(f.ask("POST", "/autodiscover/autodiscover.svc", getUserSettings("ExternalEwsUrl", alex), "Authorization", "Basic YTpi"), 200)
	f.wantIn(f.ask("GET", "/autodiscover/autodiscover.json?Email=alex@contoso.test&Protocol=EWS", ""), 200)
}

func TestAFormCanBeOff(t *testing.T) {
	f := newFixture(t, Options{})
	f.s.SetForms(POX)
	f.wantIn(f.ask("POST", "/autodiscover/autodiscover.svc", getUserSettings("ExternalEwsUrl", alex)), 404)
	f.wantIn(f.ask("GET", "/autodiscover/autodiscover.json/v1.0/alex@contoso.test?Protocol=EWS", ""), 404)
	f.wantIn(f.ask("POST", "/autodiscover/autodiscover.xml", pox(alex)), 200)
	f.s.SetForms(SOAP, POX, JSON)
	f.wantIn(f.ask("POST", "/autodiscover/autodiscover.svc", getUserSettings("ExternalEwsUrl", alex)), 200)
	f.wantIn(f.ask("GET", "/autodiscover/other", ""), 404)
	if Serves("/EWS/Exchange.asmx") || !Serves("/AutoDiscover/autodiscover.JSON/v1.0/x@y") {
		t.Error("Serves is wrong")
	}
}
