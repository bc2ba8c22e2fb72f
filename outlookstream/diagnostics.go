package outlookstream

import (
	"net/http"

	"github.com/calwatch/calwatch/internal/service"
)

// Diagnostics are what the service says about how it handled a request, for
// its own support people: quote them when you ask for help. Every field may be
// empty.
type Diagnostics struct {
	RequestID       string // request-id, given by the service
	ClientRequestID string // client-request-id, given by this package: a GUID, new for each request
	FEServer        string // X-FEServer: the front end
	BEServer        string // X-BEServer, X-TargetBEServer or X-CalculatedBETarget: the mailbox's server
	BEStatus        string // X-BackEndHttpStatus: with which HTTP status it answered the front end
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

// diagnosticsOf reads a response.
func diagnosticsOf(header http.Header, token string) Diagnostics {
	d := service.DiagnosticsOf(header, func(text string, limit int) string { return service.Presentable(text, token, limit) })
	return Diagnostics{RequestID: d.RequestID, FEServer: d.FEServer, BEServer: d.BEServer, BEStatus: d.BEStatus, DiagInfo: d.DiagInfo, Auth: AuthDiagnostics(d.Auth)}
}
