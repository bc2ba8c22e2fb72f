package service

import (
	"net/http"
	"strings"
	"testing"
)

func TestAuthDiagnosticsAreReadLeniently(t *testing.T) {
	for value, want := range map[string]AuthDiagnostics{
		`2000002;reason="The token has expired; get another.";error_category="invalid_lifetime"`: {2000002, "The token has expired; get another.", "invalid_lifetime"},
		`2000003; error_type = "invalid_resource" ; reason=plain`:                                {2000003, "plain", "invalid_resource"},
		`2000001`:                 {Code: 2000001},
		`nonsense`:                {},
		``:                        {},
		`2000001;reason="no end`:  {Code: 2000001, Reason: "no end"},
		`;;;=;"`:                  {},
		`2000001;reason=;x="`:     {Code: 2000001},
		`2000001;other="a";;b=c;`: {Code: 2000001},
	} {
		if got := ParseAuthDiagnostics(value); got != want {
			t.Errorf("%s\ngot  %+v\nwant %+v", value, got, want)
		}
	}
}

func asItIs(text string, _ int) string { return text }

func TestDiagnosticsPreferTheMostTellingHeader(t *testing.T) {
	header := http.Header{}
	header.Set("X-CalculatedBETarget", "calculated")
	if got := DiagnosticsOf(header, asItIs).BEServer; got != "calculated" {
		t.Errorf("BEServer: %q", got)
	}
	header.Set("X-TargetBEServer", "target")
	if got := DiagnosticsOf(header, asItIs).BEServer; got != "target" {
		t.Errorf("BEServer: %q", got)
	}
	header.Set("X-BEServer", "backend")
	if got := DiagnosticsOf(header, asItIs).BEServer; got != "backend" {
		t.Errorf("BEServer: %q", got)
	}
}

func TestPresentableHasNoTokenNoControlCharactersAndAnEnd(t *testing.T) {
	got := Presentable("a\x1b[31m\r\nBearer s3cret.token \xff\u009b"+strings.Repeat("é", 200), "s3cret.token", 64)
	if strings.Contains(got, "s3cret") || strings.ContainsAny(got, "\x1b\r\n\u009b") {
		t.Errorf("%q", got)
	}
	if len(got) > 67 || !strings.HasSuffix(got, "...") || strings.ContainsRune(got[:len(got)-3], '\uFFFD') && !strings.Contains(got, "[token]") {
		t.Errorf("%q (%d bytes)", got, len(got))
	}
}

func TestPresentableHasNothingThatMisleadsWhoReads(t *testing.T) {
	const tricks = "\u202eturned\u2066round\u200b\u2028\u2029\ufeff\u00ad\u0085"
	if got := Presentable(tricks, "", 100); got != " turned round      " {
		t.Errorf("%q", got)
	}
	const harmless = "Zugriff verweigert – 拒绝访问 é ☎ \U0001F4C5"
	if got := Presentable(harmless, "", 100); got != harmless {
		t.Errorf("%q", got)
	}
}

func FuzzAuthDiagnostics(f *testing.F) {
	f.Add(`2000002;reason="The token has expired.";error_category="invalid_lifetime"`)
	f.Add(`2000002;reason="`)
	f.Add(`;=;="=;`)
	f.Fuzz(func(t *testing.T, value string) {
		d := ParseAuthDiagnostics(value)
		if len(d.Reason)+len(d.Category) > len(value) {
			t.Errorf("%q: more came out than went in: %+v", value, d)
		}
	})
}
