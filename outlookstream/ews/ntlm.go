package ews

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/Azure/go-ntlmssp"

	"github.com/calwatch/calwatch/internal/reconnect"
	"github.com/calwatch/calwatch/outlookstream"
)

// NTLM signs in to Exchange Server with a user name, such as CONTOSO\svc or
// svc@contoso.com, and a password, which the server does not get to see, by
// NTLMv2. What is said of password at [Basic] holds here, too.
//
// It is the connection that is authenticated, which takes two requests on each.
// That needs connections which the Client keeps itself: see [New]. The answer is
// bound to the certificate of the server, as Extended Protection may require: a
// proxy on the way that shows another one has every password refused then.
func NTLM(user string, password func(ctx context.Context) (string, error)) Authenticator {
	p := newPasswords(user, password)
	p.hint = ntlmHint
	return &ntlm{p}
}

// ntlmHint: nothing in the answer tells these from a wrong password.
const ntlmHint = ". If it is the right one, a proxy on the way breaks NTLM: it does not keep the connections of its clients apart on the way to the server, or ends TLS with another certificate than the server's"

type ntlm struct{ passwords *passwords }

func (n *ntlm) scheme() string { return "NTLM" }

func (n *ntlm) grant(ctx context.Context, _ string) (*grant, error) { return n.passwords.grant(ctx) }

func (n *ntlm) conversation() reconnect.Conversation { return n.converse }

// converse is MS-NTHT: a request without a body for a challenge, and the request
// itself with the answer to it.
func (n *ntlm) converse(conn http.RoundTripper, r *http.Request, known bool) (resp *http.Response, nowKnown bool, err error) {
	g, ok := r.Context().Value(grantKey{}).(*grant)
	if !ok {
		return nil, false, errors.New("a request without a grant") // a mistake of this package
	}
	if g.password == nil { // from nobody
		resp, err = conn.RoundTrip(r)
		return resp, known, err
	}
	if known {
		if resp, err = conn.RoundTrip(r); err != nil || resp.StatusCode != http.StatusUnauthorized {
			g.unused = true
			return resp, true, err
		}
		drain(resp) // it has forgotten whose connection this is
	}
	// Servers that offer Negotiate alone take NTLM by that name, too.
	for _, scheme := range []string{"NTLM", "Negotiate"} {
		resp, err = askForChallenge(conn, r, scheme)
		if err != nil {
			return nil, false, err
		}
		if resp.StatusCode != http.StatusUnauthorized {
			g.unused = true
			return withoutAuthentication(conn, r)
		}
		if challenge, found := challengeIn(resp.Header, scheme); found {
			return n.answer(conn, r, g, scheme, bound(challenge, resp.TLS))
		}
		if notOffered(resp.Header, "Negotiate", g.present) != nil {
			break
		}
	}
	if err := notOffered(resp.Header, "NTLM", g.present); err != nil {
		return nil, false, err
	}
	return nil, false, fmt.Errorf("%w: the server offers NTLM, and sends no challenge", outlookstream.ErrMalformed)
}

// askForChallenge sends the NEGOTIATE_MESSAGE. The body of the answer has been read.
func askForChallenge(conn http.RoundTripper, r *http.Request, scheme string) (*http.Response, error) {
	message, err := ntlmssp.NewNegotiateMessage("", "")
	if err != nil {
		return nil, err
	}
	leg := r.Clone(r.Context())
	leg.Body, leg.GetBody, leg.ContentLength = http.NoBody, nil, 0
	leg.Header.Set("Authorization", scheme+" "+base64.StdEncoding.EncodeToString(message))
	resp, err := conn.RoundTrip(leg)
	if err != nil {
		return nil, err
	}
	drain(resp)
	return resp, nil
}

// answer sends the AUTHENTICATE_MESSAGE with the request.
func (n *ntlm) answer(conn http.RoundTripper, r *http.Request, g *grant, scheme string, challenge []byte) (*http.Response, bool, error) {
	message, err := ntlmssp.NewAuthenticateMessage(challenge, n.passwords.user, g.password(), nil)
	if err != nil {
		return nil, false, fmt.Errorf("%w: the server's NTLM challenge: %s", outlookstream.ErrMalformed, g.present(err.Error(), maxMessage))
	}
	leg, err := replay(r)
	if err != nil {
		return nil, false, err
	}
	encoded := base64.StdEncoding.EncodeToString(message)
	g.secrets = append(g.secrets, encoded) // who has it can try passwords on it
	leg.Header.Set("Authorization", scheme+" "+encoded)
	resp, err := conn.RoundTrip(leg)
	if err != nil {
		return nil, false, fmt.Errorf("in the middle of NTLM's handshake: %w", err)
	}
	return resp, resp.StatusCode != http.StatusUnauthorized, nil
}

// withoutAuthentication is for what a server tells anybody: that it is busy,
// that something is elsewhere.
func withoutAuthentication(conn http.RoundTripper, r *http.Request) (*http.Response, bool, error) {
	leg, err := replay(r)
	if err != nil {
		return nil, false, err
	}
	resp, err := conn.RoundTrip(leg)
	return resp, false, err
}

// replay returns r with its body from the start.
func replay(r *http.Request) (*http.Request, error) {
	leg := r.Clone(r.Context())
	if r.Body == nil || r.Body == http.NoBody {
		return leg, nil
	}
	var err error
	if leg.Body, err = r.GetBody(); err != nil {
		return nil, err
	}
	return leg, nil
}

// maxChallenge bounds the base64 of a challenge. Real ones have a few hundred bytes.
const maxChallenge = 16 << 10

// challengeIn finds the CHALLENGE_MESSAGE.
func challengeIn(header http.Header, scheme string) ([]byte, bool) {
	for _, value := range header.Values("WWW-Authenticate") {
		name, encoded, _ := strings.Cut(strings.TrimSpace(value), " ")
		if !strings.EqualFold(name, scheme) || encoded == "" || len(encoded) > maxChallenge {
			continue
		}
		if challenge, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded)); err == nil {
			return challenge, true
		}
	}
	return nil, false
}

// drain reads what is left, so that the connection can be used again.
func drain(resp *http.Response) {
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxErrorBody))
	_ = resp.Body.Close()
}
