package ews

import (
	"context"
	"encoding/base64"
	"fmt"

	"github.com/calwatch/calwatch/internal/reconnect"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// Negotiate signs in with Kerberos tickets that token gets: for each request,
// the SPNEGO token (NegTokenInit, as RFC 4178 encodes it) of a new context for
// the service HTTP/host. Kerberos itself is left to a library of the caller's
// choice, or to SSPI on Windows: this package brings none.
//
// token must be safe for concurrent use and return soon after ctx ends. An error
// of its is retried, unless it is one of those of package auth. A token that is
// refused is followed by one other; there are no further rounds, as of NTLM
// within SPNEGO.
func Negotiate(token func(ctx context.Context, host string) ([]byte, error)) Authenticator {
	return &negotiate{token}
}

type negotiate struct {
	token func(ctx context.Context, host string) ([]byte, error)
}

func (n *negotiate) scheme() string { return "Negotiate" }

func (n *negotiate) conversation() reconnect.Conversation { return nil }

func (n *negotiate) grant(ctx context.Context, host string) (*grant, error) {
	if n.token == nil {
		return nil, fmt.Errorf("%w: Negotiate has no function to ask for tokens", auth.ErrMisconfigured)
	}
	token, err := n.token(ctx, host)
	if err != nil {
		return nil, err
	}
	if len(token) == 0 {
		return nil, fmt.Errorf("%w: the token for HTTP/%s is empty", auth.ErrMisconfigured, host)
	}
	encoded := base64.StdEncoding.EncodeToString(token)
	return &grant{authorization: "Negotiate " + encoded, secrets: []string{encoded}, over: func(outcome, string) {}}, nil
}
