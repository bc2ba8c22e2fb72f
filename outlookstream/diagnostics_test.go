package outlookstream

import "testing"

func TestAuthDiagnosticsHaveTheirDocumentedNames(t *testing.T) {
	for code, name := range map[int]string{
		2000000: "invalid_signature", 2000001: "invalid_token", 2000002: "token_expired",
		2000003: "invalid_resource", 2000004: "invalid_tenant", 2000005: "invalid_user",
		2000006: "invalid_client", 2000007: "internal_error", 2000008: "invalid_grant",
		2000009: "", 0: "",
	} {
		if got := (AuthDiagnostics{Code: code}).Name(); got != name {
			t.Errorf("%d: %q, want %q", code, got, name)
		}
	}
}
