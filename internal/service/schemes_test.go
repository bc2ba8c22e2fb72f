package service

import (
	"fmt"
	"testing"
)

func TestSchemesAreFoundInAnyFormOfTheHeader(t *testing.T) {
	for want, headers := range map[string][]string{
		"[]":                     {""},
		"[Negotiate]":            {"Negotiate"},
		"[Negotiate NTLM Basic]": {"Negotiate", "NTLM", `Basic realm="mail.contoso.com"`},
		"[Negotiate NTLM]":       {"Negotiate, NTLM"},
		"[NTLM]":                 {"NTLM TlRMTVNTUAACAAAA=="},
		"[Bearer Basic]":         {`Bearer client_id="00000002-0000-0ff1-ce00-000000000000", trusted_issuers="a@*,b@*", error="invalid_token", Basic Realm=""`},
	} {
		if got := fmt.Sprint(Schemes(headers)); got != want {
			t.Errorf("%q: %s, want %s", headers, got, want)
		}
	}
}
