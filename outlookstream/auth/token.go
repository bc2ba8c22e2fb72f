package auth

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// Token is a bearer token and what is known about its life.
//
// No way of printing or logging a Token shows Value: not fmt with any verb, not log/slog, not encoding/json. One thing is
// beyond its reach: package fmt prints unexported struct fields without asking their methods, so do not print a struct of
// your own that keeps a Token in one.
type Token struct {
	// Value is what follows "Bearer " in the Authorization header.
	Value string
	// ExpiresOn is when the token stops being accepted. Zero means unknown: it is used until the server refuses it.
	ExpiresOn time.Time
	// RefreshOn is when a replacement should be asked for, while the token is still good. Zero means no advice.
	RefreshOn time.Time
}

// String describes the token without its value.
func (t Token) String() string {
	var b strings.Builder
	b.WriteString("auth.Token{Value: ")
	b.WriteString(redact(t.Value))
	writeTime(&b, "ExpiresOn", t.ExpiresOn)
	writeTime(&b, "RefreshOn", t.RefreshOn)
	b.WriteByte('}')
	return b.String()
}

// GoString is String: %#v shows no more than %v.
func (t Token) GoString() string { return t.String() }

// Format writes String whatever the verb, so that %x and %d show no value either.
func (t Token) Format(f fmt.State, _ rune) { fmt.Fprint(f, t.String()) }

// LogValue gives log/slog the two times, and no value.
func (t Token) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("value", redact(t.Value)),
		slog.Time("expiresOn", t.ExpiresOn),
		slog.Time("refreshOn", t.RefreshOn),
	)
}

// MarshalJSON writes the two times, and no value. A Token therefore does not survive a round trip through JSON; a program
// that wants to store tokens has to do it on purpose.
func (t Token) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Value     string    `json:"value"`
		ExpiresOn time.Time `json:"expiresOn"`
		RefreshOn time.Time `json:"refreshOn"`
	}{redact(t.Value), t.ExpiresOn, t.RefreshOn})
}

// redact says only whether there is a secret.
func redact(secret string) string {
	if secret == "" {
		return "none"
	}
	return "REDACTED"
}

func writeTime(b *strings.Builder, name string, t time.Time) {
	if !t.IsZero() {
		fmt.Fprintf(b, ", %s: %s", name, t.Format(time.RFC3339))
	}
}
