package service

import (
	"net/http"
	"strconv"
	"strings"
)

// Diagnostics are what a service says about how it handled a request, as the
// public types that are made of it have it.
type Diagnostics struct {
	RequestID string // request-id
	FEServer  string // X-FEServer
	BEServer  string // X-BEServer, X-TargetBEServer or X-CalculatedBETarget
	BEStatus  string // X-BackEndHttpStatus
	DiagInfo  string // X-DiagInfo
	Auth      AuthDiagnostics
}

// AuthDiagnostics is x-ms-diagnostics.
type AuthDiagnostics struct {
	Code     int
	Reason   string
	Category string
}

// MaxDiagnostic bounds, in bytes, one diagnostic value: they end up in logs.
const MaxDiagnostic = 512

// DiagnosticsOf reads a response; present makes its texts fit to be shown, as
// [Presentable] does. The client-request-id is the request's own: the service
// only repeats it.
func DiagnosticsOf(header http.Header, present func(text string, limit int) string) Diagnostics {
	get := func(names ...string) string {
		for _, name := range names {
			if value := header.Get(name); value != "" {
				return present(value, MaxDiagnostic)
			}
		}
		return ""
	}
	return Diagnostics{
		RequestID: get("request-id"),
		FEServer:  get("X-FEServer"),
		BEServer:  get("X-BEServer", "X-TargetBEServer", "X-CalculatedBETarget"),
		BEStatus:  get("X-BackEndHttpStatus"),
		DiagInfo:  get("X-DiagInfo"),
		Auth:      ParseAuthDiagnostics(get("x-ms-diagnostics")),
	}
}

// ParseAuthDiagnostics reads
//
//	2000002;reason="The token has expired.";error_category="invalid_lifetime"
//
// leniently: it is there to be shown. The documentation calls the category
// error_type, the service sends error_category.
func ParseAuthDiagnostics(value string) AuthDiagnostics {
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
