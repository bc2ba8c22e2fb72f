package entra

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// Answer is what may be shown of a token endpoint's answer.
type Answer struct {
	Host    string
	Status  int
	Code    string // "error" of RFC 6749, section 5.2, such as "invalid_grant"; "" if there is none, or what is there looks like none
	SubCode string // Entra's "suberror"
	AADSTS  int    // Entra's number for the error; 0: none
	Claims  string // what the next sign-in has to ask for, as JSON
	Object  bool   // the body was a JSON object
}

const maxClaims = 8 << 10

// Read takes from a body what may be shown.
func Read(host string, status int, body []byte) Answer {
	a := Answer{Host: host, Status: status}
	var fields struct {
		Error  string          `json:"error"`
		Sub    string          `json:"suberror"`
		Claims string          `json:"claims"`
		Codes  json.RawMessage `json:"error_codes"`
	}
	err := json.Unmarshal(body, &fields)
	a.Object = json.Valid(body) && bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) // null fits everything, and is none
	if err != nil {
		return a
	}
	a.Code, a.SubCode = CodeWord(fields.Error), CodeWord(fields.Sub)
	var codes []int
	if json.Unmarshal(fields.Codes, &codes) == nil && len(codes) > 0 {
		a.AADSTS = codes[0]
	}
	if IsClaims(fields.Claims) {
		a.Claims = fields.Claims
	}
	return a
}

// IsClaims says whether text can be a claims request: a JSON object. Anything else would make the next request fail.
func IsClaims(text string) bool {
	var object map[string]json.RawMessage
	return len(text) <= maxClaims && json.Unmarshal([]byte(text), &object) == nil && object != nil
}

// CodeWord lets pass what looks like an error code, in which no token can hide.
func CodeWord(s string) string {
	if len(s) > 48 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return ""
	}
	return s
}

// Overloaded says whether the answer is about the service's moment, not about the request.
func (a Answer) Overloaded() bool {
	return a.Status == http.StatusTooManyRequests || a.Status == http.StatusRequestTimeout || a.Status >= 500
}

// Details lists status and codes.
func (a Answer) Details() string {
	parts := []string{fmt.Sprintf("status %d", a.Status)}
	for _, word := range []string{a.Code, a.SubCode} {
		if word != "" {
			parts = append(parts, word)
		}
	}
	if a.AADSTS != 0 {
		parts = append(parts, fmt.Sprintf("AADSTS%d", a.AADSTS))
	}
	return strings.Join(parts, ", ")
}
