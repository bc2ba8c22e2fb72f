package signin

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// assertion is a JWT with which an application shows who it is (RFC 7523, section 2.2), taken apart but not yet believed.
type assertion struct {
	header struct {
		Algorithm string `json:"alg"`
		SHA1      string `json:"x5t"`
		SHA256    string `json:"x5t#S256"`
	}
	claims struct {
		Issuer    string    `json:"iss"`
		Subject   string    `json:"sub"`
		Audience  audiences `json:"aud"`
		ID        string    `json:"jti"`
		NotBefore instant   `json:"nbf"`
		Expires   instant   `json:"exp"`
	}
	signed    string // what the signature is over
	signature []byte
}

var errMalformed = errors.New("not a signed JWT")

// parseAssertion takes a JWT in compact form apart. Its errors say nothing about the content.
func parseAssertion(raw string) (*assertion, error) {
	end := strings.LastIndexByte(raw, '.')
	if end < 0 {
		return nil, errMalformed
	}
	a := &assertion{signed: raw[:end]}
	header, claims, _ := strings.Cut(a.signed, ".")
	var err error
	if a.signature, err = base64.RawURLEncoding.Strict().DecodeString(raw[end+1:]); err != nil {
		return nil, errMalformed
	}
	if !decodePart(header, &a.header) || !decodePart(claims, &a.claims) {
		return nil, errMalformed
	}
	return a, nil
}

func decodePart(part string, into any) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(part) // a further dot is no base64
	return err == nil && json.Unmarshal(b, into) == nil
}

// knownAlgorithm says whether the real service takes it from applications; ES256 it does not.
func (a *assertion) knownAlgorithm() bool {
	return a.header.Algorithm == "PS256" || a.header.Algorithm == "RS256"
}

// signedBy says whether the signature is the key's, by the algorithm that the header names.
func (a *assertion) signedBy(key *rsa.PublicKey) bool {
	if key == nil {
		return false
	}
	sum := sha256.Sum256([]byte(a.signed))
	switch a.header.Algorithm {
	case "PS256":
		// RFC 7518, section 3.5: the salt is as long as the hash.
		return rsa.VerifyPSS(key, crypto.SHA256, sum[:], a.signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
	case "RS256":
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], a.signature) == nil
	}
	return false
}

// thumbprint decodes a thumbprint of the header. RFC 7515 wants base64url without padding; MSAL for Go writes the other
// alphabet with padding, and the real service takes both.
func thumbprint(text string) []byte {
	text = strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(text), "=")
	sum, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return sum
}

// audiences is the claim aud: one text, or several.
type audiences []string

// UnmarshalJSON implements json.Unmarshaler.
func (a *audiences) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audiences{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

// instant is a NumericDate of RFC 7519, section 2: seconds, perhaps with a fraction. Zero if it is not there.
type instant struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler.
func (i *instant) UnmarshalJSON(b []byte) error {
	var seconds float64
	if err := json.Unmarshal(b, &seconds); err != nil {
		return err
	}
	if seconds < 0 || seconds > 1<<40 {
		return errMalformed
	}
	i.Time = time.Unix(int64(seconds), 0)
	return nil
}
