package service

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// Claims returns the claims that the service wants in a token, as JSON, from
// the WWW-Authenticate headers of a 401:
//
//	Bearer realm="", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOi4uLn0="
//
// or "" if they ask for none. A header may hold several challenges, one of
// another scheme among them, and the claims come in either base64 alphabet,
// with or without padding.
func Claims(headers []string) string {
	for _, header := range headers {
		bearer := false
		for header != "" {
			var name, value string
			var begins bool
			name, value, begins, header = nextParameter(header)
			if begins {
				scheme, first, _ := strings.Cut(name, " ")
				bearer, name = strings.EqualFold(scheme, "Bearer"), strings.TrimSpace(first)
			}
			if bearer && strings.EqualFold(name, "claims") {
				if claims, ok := decodeClaims(value); ok {
					return claims
				}
			}
		}
	}
	return ""
}

// nextParameter cuts the next name=value off the header. If it is the first of
// a challenge, begins is true and name has the scheme before it.
func nextParameter(header string) (name, value string, begins bool, rest string) {
	header = strings.TrimLeft(header, " \t,")
	end := strings.IndexAny(header, "=,")
	if end < 0 {
		return header, "", true, ""
	}
	name = strings.TrimSpace(header[:end])
	begins = strings.ContainsAny(name, " \t") || header[end] == ','
	if header[end] == ',' {
		return name, "", begins, header[end:]
	}
	value, rest = cutValue(strings.TrimLeft(header[end+1:], " \t"))
	return name, value, begins, rest
}

// cutValue cuts a token or a quoted string off s. There may be commas and
// escaped quotation marks in the latter.
func cutValue(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		value, rest, _ = strings.Cut(s, ",")
		return strings.TrimSpace(value), rest
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:]
		case '\\':
			if i++; i < len(s) {
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), ""
}

// MaxClaims bounds, in bytes, what the service can have a provider remember and pass on.
// Real ones are a few hundred bytes.
const MaxClaims = 8 << 10

// decodeClaims accepts JSON objects only, by the standard library's strictness:
// a provider passes them on, and would fail with others.
func decodeClaims(value string) (claims string, ok bool) {
	if len(value) > 2*MaxClaims {
		return "", false
	}
	value = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(value), "=")
	decoded, err := base64.RawStdEncoding.DecodeString(value)
	if err != nil || len(decoded) == 0 || len(decoded) > MaxClaims || decoded[0] != '{' || !json.Valid(decoded) {
		return "", false
	}
	return string(decoded), true
}
