package ews

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/calwatch/calwatch/internal/reconnect"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// Basic signs in to Exchange Server with a user name, such as CONTOSO\svc or
// svc@contoso.com, and a password, both of which the server gets to see.
//
// password is called before the first request, and again after the service has
// refused what it returned; it must be safe for concurrent use and return soon
// after ctx ends. A password that was refused is not sent again: with the same
// once more a call fails with auth.ErrRejected. Until a password has been
// accepted, one request at a time is sent with it, so that a wrong one costs one
// attempt, and not the account. An error of password's is retried, unless it is
// one of those of package auth.
func Basic(user string, password func(ctx context.Context) (string, error)) Authenticator {
	return &basic{newPasswords(user, password)}
}

type basic struct{ passwords *passwords }

func (b *basic) scheme() string { return "Basic" }

func (b *basic) conversation() reconnect.Conversation { return nil }

func (b *basic) grant(ctx context.Context, _ string) (*grant, error) {
	user := b.passwords.user
	if strings.Contains(user, ":") {
		return nil, fmt.Errorf("%w: a user name with a colon cannot be sent by Basic authentication", auth.ErrMisconfigured)
	}
	g, err := b.passwords.grant(ctx)
	if err != nil {
		return nil, err
	}
	encoded := base64.StdEncoding.EncodeToString([]byte(user + ":" + g.password()))
	g.authorization = "Basic " + encoded
	g.secrets = append(g.secrets, encoded)
	return g, nil
}
