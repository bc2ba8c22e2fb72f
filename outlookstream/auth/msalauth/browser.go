package msalauth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"

	"github.com/calwatch/calwatch/outlookstream/auth/internal/entra"
)

// BrowserOptions are about a sign-in with a browser on this machine. Zero fields mean the default.
type BrowserOptions struct {
	// Username is filled in for the person, if it is known who is to sign in. Default: the person chooses.
	Username string
}

// SignInBrowser signs somebody in with a browser on this machine. If the account has signed in before, what is kept of it
// is replaced. The app registration needs the redirect URI http://localhost, as of a mobile and desktop application.
//
// It calls open once, which should show the address in a browser and return; an error of open ends the sign-in and is
// returned. Then it waits until the browser has brought the authority's answer to a port of this machine's loopback
// interface, or until ctx ends, in which case it returns ctx's cause. The answer counts only with the state that was sent along, and its
// code only with the verifier that stays here (PKCE, RFC 7636), so a code that somebody learns is of no use to them. Somebody on this
// machine who learns the address can sign in as themselves in the person's place: look at the Account that is returned.
//
// If the person declines, errors.Is finds auth.ErrInteractionRequired in the error, and accounts that have signed in before
// still are. opts may be nil.
func (c *Client) SignInBrowser(ctx context.Context, scopes []string, opts *BrowserOptions, open func(ctx context.Context, address string) error) (Account, error) {
	if len(scopes) == 0 {
		return Account{}, bad("no scope is asked for: name at least one")
	}
	if c.closed.Load() {
		return Account{}, errClosed()
	}
	if opts == nil {
		opts = &BrowserOptions{}
	}
	mem := &memory{}
	client, err := c.cfg.public(mem)
	if err != nil {
		return Account{}, err
	}
	state, verifier := random(), random()
	back, err := listenForAnswer(state)
	if err != nil {
		return Account{}, fmt.Errorf("msalauth: waiting for the browser's answer: %w", err)
	}
	defer back.close()
	claims := c.wantedClaims()
	e, address, err := c.address(ctx, client, scopes, claims, back.redirect)
	if err != nil {
		return Account{}, c.cfg.classify(ctx, e, err, "")
	}
	if err := open(ctx, withQuery(address, state, verifier, opts.Username)); err != nil {
		return Account{}, fmt.Errorf("msalauth: opening the browser: %w", err)
	}
	result, err := back.wait(ctx)
	if err != nil {
		return Account{}, err
	}
	if result.code == "" {
		return Account{}, c.wanting(c.cfg.application("").Classify(result.refused(c.cfg.host)))
	}
	redeem := []public.AcquireByAuthCodeOption{public.WithChallenge(verifier)}
	if claims != "" {
		redeem = append(redeem, public.WithClaims(claims))
	}
	redeemCtx, e := withExchange(ctx)
	if _, err := client.AcquireTokenByAuthCode(redeemCtx, result.code, back.redirect, scopes, redeem...); err != nil {
		return Account{}, c.wanting(c.cfg.classify(ctx, e, err, ""))
	}
	return c.adopt(ctx, mem.bytes())
}

// address asks MSAL for the authorization endpoint's address.
func (c *Client) address(ctx context.Context, client public.Client, scopes []string, claims, redirect string) (*exchange, *url.URL, error) {
	var opts []public.AuthCodeURLOption
	if claims != "" {
		opts = append(opts, public.WithClaims(claims))
	}
	// The person is asked to agree to all of these; MSAL adds the last three to its requests for tokens only.
	asked := append(slices.Clone(scopes), "openid", "offline_access", "profile")
	ctx, e := withExchange(ctx)
	text, err := client.AuthCodeURL(ctx, c.cfg.clientID, redirect, asked, opts...)
	if err != nil {
		return e, nil, err
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return e, nil, errors.New("the authorization endpoint is no https address")
	}
	return e, u, nil
}

// withQuery adds what MSAL does not.
func withQuery(u *url.URL, state, verifier, username string) string {
	sum := sha256.Sum256([]byte(verifier))
	q := u.Query()
	q.Set("state", state)
	q.Set("code_challenge", base64.RawURLEncoding.EncodeToString(sum[:]))
	q.Set("code_challenge_method", "S256")
	// The code then comes in the body of a request, and is left neither in the browser's history nor in a log.
	q.Set("response_mode", "form_post")
	if username != "" {
		q.Set("login_hint", username)
	} else {
		q.Set("prompt", "select_account")
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// random is 256 bits in 43 characters, which is what a PKCE verifier has to be.
func random() string {
	b := make([]byte, 32)
	rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// browserAnswer is what the authority had the browser bring: a code, or why there is none.
type browserAnswer struct {
	code, fault, description, subcode, claims string
}

var aadstsNumber = regexp.MustCompile(`^AADSTS([0-9]{4,9})\b`)

// refused reads the error as one of the token endpoint.
func (b browserAnswer) refused(host string) entra.Answer {
	a := entra.Answer{Host: host, Status: 200, Code: entra.CodeWord(b.fault), SubCode: entra.CodeWord(b.subcode)}
	if a.Code == "" {
		a.Code = "invalid_request"
	}
	if entra.IsClaims(b.claims) {
		a.Claims = b.claims
	}
	if m := aadstsNumber.FindStringSubmatch(b.description); m != nil {
		a.AADSTS, _ = strconv.Atoi(m[1])
	}
	switch {
	case a.AADSTS == 65004: // the person has not agreed, and may do so the next time
		a.Code = "access_denied"
	case a.AADSTS != 0 && a.Code == "access_denied": // not by the person: a policy, or a missing account
		a.Code = "interaction_required"
	}
	return a
}
