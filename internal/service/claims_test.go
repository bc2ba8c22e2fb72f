package service

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestClaimsAreFoundInAnyFormOfTheChallenge(t *testing.T) {
	const claims = `{"access_token":{"nbf":{"essential":true,"value":"1604106651"},"x":"~~~???"}}`
	std, url := base64.StdEncoding.EncodeToString([]byte(claims)), base64.URLEncoding.EncodeToString([]byte(claims))
	raw := base64.RawURLEncoding.EncodeToString([]byte(claims))
	for name, headers := range map[string][]string{
		"alone":                    {`Bearer claims="` + std + `"`},
		"base64url":                {`Bearer realm="", error="insufficient_claims", claims="` + url + `"`},
		"no padding":               {`Bearer realm="",error="insufficient_claims",claims="` + raw + `"`},
		"no quotes":                {`Bearer error=insufficient_claims, claims=` + raw},
		"odd case and spaces":      {`bearer  Realm = "" ,  CLAIMS = "` + std + `" `},
		"commas in other strings":  {`Bearer realm="a, claims=\"eyJ9\", b", trusted_issuers="x@y,z@y", claims="` + std + `"`},
		"after another scheme":     {`Basic Realm="", Bearer client_id="c", claims="` + std + `"`},
		"before another scheme":    {`Bearer claims="` + std + `", Basic Realm=""`},
		"a bare scheme":            {`Negotiate, Bearer claims="` + std + `"`},
		"a header of its own":      {`Basic Realm=""`, `Bearer claims="` + std + `"`},
		"after one that is broken": {`Bearer claims="***"`, `Bearer claims="` + std + `"`},
	} {
		if got := Claims(headers); got != claims {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestWhatIsNoClaimsChallengeIsNone(t *testing.T) {
	for name, header := range map[string]string{
		"nothing":                 ``,
		"an ordinary 401":         `Bearer client_id="00000002-0000-0ff1-ce00-000000000000", trusted_issuers="a@*,b@*", error="invalid_token"`,
		"another scheme":          `PoP claims="eyJhIjoxfQ=="`,
		"inside a string":         `Bearer realm="claims=eyJhIjoxfQ=="`,
		"not base64":              `Bearer claims="{}"`,
		"not an object":           `Bearer claims="W10="`,
		"not JSON":                `Bearer claims="e25vfQ=="`,
		"empty":                   `Bearer claims=""`,
		"a string without an end": `Bearer realm="x, claims="`,
		"only commas":             `,,,`,
		"only an escape":          `Bearer a="\`,
	} {
		if got := Claims([]string{header}); got != "" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// What a provider cannot use would end a watch: it refuses it as a mistake of ours.
func TestClaimsThatAProviderCouldNotUseAreNone(t *testing.T) {
	for name, claims := range map[string]string{
		"more than anybody asks for": `{"a":"` + strings.Repeat("x", MaxClaims) + `"}`,
		"a number out of grammar":    `{"a":01}`,
		"a string out of grammar":    "{\"a\":\"\n\"}",
		"two objects":                `{"a":1}{}`,
	} {
		if got := Claims([]string{`Bearer claims="` + base64.StdEncoding.EncodeToString([]byte(claims)) + `"`}); got != "" {
			t.Errorf("%s: %.100q", name, got)
		}
	}
	largest := `{"a":"` + strings.Repeat("x", MaxClaims-len(`{"a":""}`)) + `"}`
	if got := Claims([]string{`Bearer claims="` + base64.StdEncoding.EncodeToString([]byte(largest)) + `"`}); got != largest {
		t.Errorf("%d bytes of %d", len(got), len(largest))
	}
}

// A header that was made to be read slowly is not.
func TestAChallengeIsReadInOneGo(t *testing.T) {
	const size = 1 << 20
	for name, unit := range map[string]string{
		"commas": ",", "quotes": `"`, "escapes": `a="\"`, "names": "a=", "claims": `Bearer claims="eyJ", `, "schemes": "Bearer a=b, ", "spaces": " ", "equals": "=",
	} {
		header := "Bearer " + strings.Repeat(unit, size/len(unit))
		start := time.Now()
		_ = Claims([]string{header})
		_ = ParseAuthDiagnostics(header)
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("%s: %v", name, took)
		}
	}
}

func FuzzClaims(f *testing.F) {
	f.Add(`Bearer realm="a\"b", error="insufficient_claims", claims="eyJhIjoxfQ=="`)
	f.Add(`Basic x, Bearer claims=eyJhIjoxfQ`)
	f.Add(`="`)
	f.Fuzz(func(t *testing.T, header string) {
		if claims := Claims([]string{header}); claims != "" && !json.Valid([]byte(claims)) {
			t.Errorf("%q: %q", header, claims)
		}
	})
}
