package outlookstream

import (
	"net/http"
	"strconv"
	"strings"
	"unicode"
)

// Diagnostics are what the service says about how it handled a request, for
// its own support people: quote them when you ask for help. Every field may be
// empty.
type Diagnostics struct {
	RequestID       string // request-id, given by the service
	ClientRequestID string // client-request-id, given by this package: a GUID, new for each request
	FEServer        string // X-FEServer: the front end
	BEServer        string // X-BEServer, X-TargetBEServer or X-CalculatedBETarget: the mailbox's server
	DiagInfo        string // X-DiagInfo
	Auth            AuthDiagnostics
}

// AuthDiagnostics is the x-ms-diagnostics header: why a token was refused.
type AuthDiagnostics struct {
	Code     int    // 2000000 to 2000008; 0 if the header was not sent
	Reason   string // a sentence
	Category string // error_category: "invalid_lifetime"
}

// Name returns the documented name of the code, "token_expired" for 2000002,
// or "" for a code that is not documented.
func (d AuthDiagnostics) Name() string {
	switch d.Code {
	case 2000000:
		return "invalid_signature"
	case 2000001:
		return "invalid_token"
	case 2000002:
		return "token_expired"
	case 2000003:
		return "invalid_resource"
	case 2000004:
		return "invalid_tenant"
	case 2000005:
		return "invalid_user"
	case 2000006:
		return "invalid_client"
	case 2000007:
		return "internal_error"
	case 2000008:
		return "invalid_grant"
	default:
		return ""
	}
}

// maxDiagnostic bounds one diagnostic value: they end up in logs.
const maxDiagnostic = 512

// diagnosticsOf reads a response. The client-request-id is the request's own:
// the service only repeats it.
func diagnosticsOf(header http.Header, token string) Diagnostics {
	get := func(names ...string) string {
		for _, name := range names {
			if value := header.Get(name); value != "" {
				return presentable(value, token, maxDiagnostic)
			}
		}
		return ""
	}
	return Diagnostics{
		RequestID: get("request-id"),
		FEServer:  get("X-FEServer"),
		BEServer:  get("X-BEServer", "X-TargetBEServer", "X-CalculatedBETarget"),
		DiagInfo:  get("X-DiagInfo"),
		Auth:      parseAuthDiagnostics(get("x-ms-diagnostics")),
	}
}

// parseAuthDiagnostics reads
//
//	2000002;reason="The token has expired.";error_category="invalid_lifetime"
//
// leniently: it is there to be shown. The documentation calls the category
// error_type, the service sends error_category.
func parseAuthDiagnostics(value string) AuthDiagnostics {
	code, rest, _ := strings.Cut(value, ";")
	var d AuthDiagnostics
	d.Code, _ = strconv.Atoi(strings.TrimSpace(code))
	for rest != "" {
		var name, parameter string
		name, rest, _ = strings.Cut(rest, "=")
		if after, quoted := strings.CutPrefix(strings.TrimSpace(rest), `"`); quoted {
			parameter, rest, _ = strings.Cut(after, `"`)
			_, rest, _ = strings.Cut(rest, ";")
		} else {
			parameter, rest, _ = strings.Cut(rest, ";")
			parameter = strings.TrimSpace(parameter)
		}
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "reason":
			d.Reason = parameter
		case "error_category", "error_type":
			d.Category = parameter
		}
	}
	return d
}

// presentable makes a text of the service fit for an error or a log: bounded,
// without what plays tricks on a terminal or on who reads (control characters,
// marks that turn the direction of writing), and without the token, should the
// service have echoed it.
func presentable(text, token string, limit int) string {
	if token != "" {
		text = strings.ReplaceAll(text, token, "[token]")
	}
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + "..."
	}
	return text
}
