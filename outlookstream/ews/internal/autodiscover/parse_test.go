package autodiscover

import (
	"strings"
	"testing"
)

func pox(url, group string) string {
	return `<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">
 <Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a">
  <User><DisplayName>A</DisplayName></User>
  <Account><AccountType>email</AccountType><Action>settings</Action>
   <Protocol><Type>EXCH</Type><EwsUrl>https://internal.contoso.com/EWS/Exchange.asmx</EwsUrl></Protocol>
   <Protocol><Type>EXPR</Type><EwsUrl>` + url + `</EwsUrl><GroupingInformation>` + group + `</GroupingInformation></Protocol>
   <Protocol><Type>WEB</Type></Protocol>
  </Account>
 </Response>
</Autodiscover>`
}

func TestRequestsAreAsTheDocumentationHasThem(t *testing.T) {
	body, err := encodeSOAP("https://mail.test/autodiscover/autodiscover.svc", []string{"a@x", "<b>@x"})
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		`<soap:Header><a:RequestedServerVersion>Exchange2013</a:RequestedServerVersion><wsa:Action>http://schemas.microsoft.com/exchange/2010/Autodiscover/Autodiscover/GetUserSettings</wsa:Action><wsa:To>https://mail.test/autodiscover/autodiscover.svc</wsa:To></soap:Header>`,
		`<a:Users><a:User><a:Mailbox>a@x</a:Mailbox></a:User><a:User><a:Mailbox>&lt;b&gt;@x</a:Mailbox></a:User></a:Users><a:RequestedSettings><a:Setting>ExternalEwsUrl</a:Setting>`,
		`xmlns:a="http://schemas.microsoft.com/exchange/2010/Autodiscover"`,
	} {
		if !strings.Contains(string(body), part) {
			t.Errorf("no %s in %s", part, body)
		}
	}
	body, err = encodePOX("a@x")
	if err != nil {
		t.Fatal(err)
	}
	if want := `<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request><EMailAddress>a@x</EMailAddress><AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>`; !strings.HasSuffix(string(body), want) {
		t.Errorf("%s", body)
	}
}

func TestTheAddressForOthersIsPreferred(t *testing.T) {
	for name, xml := range map[string]string{
		"both":     pox("https://mail.contoso.com/EWS/Exchange.asmx", ""),
		"internal": pox("", ""),
	} {
		got, err := parsePOX([]byte(xml), plain)
		want := "https://mail.contoso.com/EWS/Exchange.asmx"
		if name == "internal" {
			want = "https://internal.contoso.com/EWS/Exchange.asmx"
		}
		if err != nil || got[0].settings.URL != want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestErrorsAreRead(t *testing.T) {
	got, err := parsePOX([]byte(`<Autodiscover><Response><Error Time="1" Id="2"><ErrorCode>500</ErrorCode><Message>The email address can't be found.</Message></Error></Response></Autodiscover>`), plain)
	if err != nil || got[0].failure == nil || got[0].failure.Code != "InvalidUser" {
		t.Errorf("XML: %v, %v", got, err)
	}
	got, err = parseJSON([]byte(`{"ErrorCode":"UserNotFound","ErrorMessage":"no such user"}`), plain)
	if err != nil || got[0].failure == nil || got[0].failure.Code != "UserNotFound" {
		t.Errorf("JSON: %v, %v", got, err)
	}
	got, err = parseSOAP([]byte(`<Envelope><Body><GetUserSettingsResponseMessage><Response><ErrorCode>ServerBusy</ErrorCode></Response></GetUserSettingsResponseMessage></Body></Envelope>`), 2, plain)
	if err != nil || len(got) != 2 || got[1].failure == nil || got[1].failure.Code != "ServerBusy" {
		t.Errorf("SOAP: %v, %v", got, err)
	}
}

func TestDomainsThatAreNoHostsAreNone(t *testing.T) {
	for address, want := range map[string]string{
		"a@Contoso.COM": "contoso.com", `"a@b"@contoso.com`: "contoso.com", "a@contoso.com.": "contoso.com",
		"a": "", "@contoso.com": "", "a@": "", "a@x/y": "", "a@x:8443": "", "a@x?y": "", "a@.x": "", "a@x..y": "", "a@x y": "", "a@x@": "", "a@[::1]": "",
	} {
		if got := DomainOf(address); got != want {
			t.Errorf("%q: %q", address, got)
		}
	}
}

// fuzz checks what holds of whatever was read.
func fuzz(t *testing.T, k kind, body []byte, n int) {
	all, err := k.parse(body, n, plain)
	if err != nil {
		return
	}
	if len(all) != n {
		t.Fatalf("%d answers about %d", len(all), n)
	}
	for _, r := range all {
		if r == (response{}) {
			t.Errorf("an answer that says nothing, of %q", body)
		}
		if len(r.settings.URL) > maxValue || len(r.settings.Grouping) > maxValue || len(r.settings.Version) > maxValue {
			t.Errorf("a long setting, of %d bytes", len(body))
		}
	}
}

func FuzzSOAP(f *testing.F) {
	for _, user := range []string{here(""), userError("RedirectUrl", "https://x"), userError("InvalidUser", "")} {
		answer, _ := soap(func(string) string { return user })([]string{"a", "b"})
		f.Add(answer.Body)
	}
	f.Add([]byte(`<a/>`))
	f.Fuzz(func(t *testing.T, body []byte) { fuzz(t, soapKind, body, 2) })
}

func FuzzPOX(f *testing.F) {
	f.Add([]byte(pox("https://x", "g")))
	f.Add([]byte(`<Autodiscover><Response><Account><Action>redirectAddr</Action><RedirectAddr>a@b</RedirectAddr></Account></Response></Autodiscover>`))
	f.Fuzz(func(t *testing.T, body []byte) { fuzz(t, poxKind, body, 1) })
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"Protocol":"EWS","Url":"https://x"}`))
	f.Add([]byte(`{"ErrorCode":"x"}`))
	f.Fuzz(func(t *testing.T, body []byte) { fuzz(t, jsonKind, body, 1) })
}
