package msalauth

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
)

// Credential is how an application proves that it is who it says. It is made by one of the functions below, and shows no
// secret when it is printed. The zero Credential is none.
type Credential struct {
	// load makes MSAL's credential, for each request to the authority anew. failed tells afterwards what went wrong while it
	// was used, since MSAL's own error may not be shown.
	load func(ctx context.Context) (proof confidential.Credential, failed func() error, err error)
}

// Secret is a client secret: its value, not its id.
func Secret(value string) Credential {
	return SecretFrom(func(context.Context) (string, error) { return value, nil })
}

// SecretFrom is a client secret that is asked for at each request to the authority, about once an hour, so that one that was
// replaced is used at once. An error of secret is returned by Token as it is.
func SecretFrom(secret func(ctx context.Context) (string, error)) Credential {
	return Credential{func(ctx context.Context) (confidential.Credential, func() error, error) {
		value, err := secret(ctx)
		if err != nil {
			return confidential.Credential{}, nil, err
		}
		proof, err := confidential.NewCredFromSecret(value)
		if err != nil {
			return confidential.Credential{}, nil, bad("the client secret is empty")
		}
		return proof, nothingFailed, nil
	}}
}

// Certificate is a certificate, with its chain if there is one, and its private key, which is an RSA key. ParseCertificate
// reads them from a file's content.
func Certificate(certs []*x509.Certificate, key crypto.PrivateKey) Credential {
	return Credential{func(context.Context) (confidential.Credential, func() error, error) {
		proof, err := certificateProof(certs, key)
		return proof, nothingFailed, err
	}}
}

// CertificateFrom is a certificate with its private key, in PEM or PFX (PKCS #12), which is asked for at each request to the authority,
// about once an hour, so that one that was renewed is used at once. password is the PFX's, or "". An error of read is returned by Token
// as it is.
func CertificateFrom(read func(ctx context.Context) (content []byte, password string, err error)) Credential {
	return Credential{func(ctx context.Context) (confidential.Credential, func() error, error) {
		content, password, err := read(ctx)
		if err != nil {
			return confidential.Credential{}, nil, err
		}
		certs, key, err := ParseCertificate(content, password)
		if err != nil {
			return confidential.Credential{}, nil, err
		}
		proof, err := certificateProof(certs, key)
		return proof, nothingFailed, err
	}}
}

func certificateProof(certs []*x509.Certificate, key crypto.PrivateKey) (confidential.Credential, error) {
	proof, err := confidential.NewCredFromCert(certs, key)
	if err != nil {
		return proof, bad("the certificate cannot be used: it needs its own private key, which has to be an RSA key")
	}
	return proof, nil
}

// AssertionRequest says what a client assertion is wanted for.
type AssertionRequest struct {
	ClientID      string // who has to be the assertion's issuer and subject
	TokenEndpoint string // who has to be its audience
}

// Assertion is a signed statement (RFC 7523) that is asked for at each request to the authority, about once an hour: by a key
// that must not leave its vault, or of another identity provider that the app registration trusts (workload identity
// federation). An error of sign is returned by Token.
func Assertion(sign func(ctx context.Context, r AssertionRequest) (string, error)) Credential {
	return Credential{func(context.Context) (confidential.Credential, func() error, error) {
		var failed error // MSAL calls back from within the call that it is used in
		proof := confidential.NewCredFromAssertionCallback(func(ctx context.Context, r confidential.AssertionRequestOptions) (string, error) {
			assertion, err := sign(ctx, AssertionRequest{ClientID: r.ClientID, TokenEndpoint: r.TokenEndpoint})
			if err == nil && assertion == "" {
				err = errors.New("it returned nothing")
			}
			if err != nil {
				failed = fmt.Errorf("msalauth: making the client assertion: %w", err)
			}
			return assertion, err
		})
		return proof, func() error { return failed }, nil
	}}
}

func nothingFailed() error { return nil }
