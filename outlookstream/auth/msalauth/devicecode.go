package msalauth

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

// DeviceCode is what a person needs to sign in with a browser on any device. The texts come from the authority; control
// characters are taken out, so that they can be written to a terminal.
type DeviceCode struct {
	UserCode        string    // to be typed on the page
	VerificationURL string    // the page
	Message         string    // a sentence that names both, in the authority's words
	ExpiresOn       time.Time // no use after that
}

// SignInDeviceCode signs somebody in, in place of who was signed in before.
//
// It calls prompt once, which should show the code and return; an error of prompt ends the sign-in and is returned. Then it
// waits until the person has approved the code, the code expires, or ctx ends, in which case it returns ctx's cause.
// Network errors and overload of the authority do not end the wait.
//
// If the person declines, or lets the code expire, errors.Is finds auth.ErrInteractionRequired in the error, and who was
// signed in before still is.
func (p *Provider) SignInDeviceCode(ctx context.Context, scopes []string, prompt func(context.Context, DeviceCode) error) (Account, error) {
	if len(scopes) == 0 {
		return Account{}, bad("no scope is asked for: name at least one")
	}
	if strings.Contains(p.cfg.authority, "token") {
		// MSAL makes the device code endpoint's URL by replacing "token" in the token endpoint's, wherever it stands.
		return Account{}, bad("MSAL cannot sign in by device code at an authority that has \"token\" in its name: write the tenant's id instead of its domain")
	}
	s, err := p.cfg.newSession(p.setClaims)
	if err != nil {
		return Account{}, err
	}
	var opts []public.AcquireByDeviceCodeOption
	p.mu.Lock()
	if p.claims != "" {
		opts = append(opts, public.WithClaims(p.claims))
	}
	p.mu.Unlock()

	startCtx, e := withExchange(ctx)
	code, err := s.client.AcquireTokenByDeviceCode(startCtx, scopes, opts...)
	if err != nil {
		return Account{}, e.classify(ctx, err)
	}
	shown, err := show(code.Result)
	if err != nil {
		return Account{}, err
	}
	if err := prompt(ctx, shown); err != nil {
		return Account{}, fmt.Errorf("msalauth: showing the device code: %w", err)
	}
	result, err := await(ctx, code)
	if err != nil {
		return Account{}, err
	}
	if result.Account.HomeAccountID == "" {
		return Account{}, errors.New("msalauth: the authority did not say who signed in: is its address right?")
	}
	s.who = result.Account
	p.mu.Lock()
	p.session, p.claims = s, ""
	p.mu.Unlock()
	return s.account(), nil
}

// await polls until the code is approved.
func await(ctx context.Context, code public.DeviceCode) (public.AuthResult, error) {
	pollCtx, e := withExchange(ctx)
	e.polling = true
	result, err := code.AuthenticationResult(pollCtx)
	if err == nil {
		return result, nil
	}
	// MSAL reports the end of the code's life as the end of a context, which a caller would take for its own.
	if ctx.Err() == nil && !time.Now().Before(code.Result.ExpiresOn) {
		return result, e.expired()
	}
	return result, e.classify(ctx, err)
}

// show checks what the authority wants to be shown. It is about to be followed by a person.
func show(r public.DeviceCodeResult) (DeviceCode, error) {
	d := DeviceCode{
		UserCode: clean(r.UserCode), VerificationURL: clean(r.VerificationURL), Message: clean(r.Message), ExpiresOn: r.ExpiresOn,
	}
	u, err := url.Parse(d.VerificationURL)
	if d.UserCode == "" || err != nil || u.Host == "" || u.Scheme != "https" && !loopback(u) {
		return d, errors.New("msalauth: the authority sent a device code without a user code or without an https page to enter it on")
	}
	if d.Message == "" {
		d.Message = fmt.Sprintf("To sign in, open %s and enter the code %s.", d.VerificationURL, d.UserCode)
	}
	return d, nil
}

func loopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// clean takes out what could play tricks on a terminal, and limits the length.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > 1000 {
		text = string(runes[:1000])
	}
	return strings.TrimSpace(text)
}

// expired describes a device code that nobody approved in time.
func (e *exchange) expired() error {
	why := "the device code expired before anybody approved it"
	if last := e.lastFault(); last != "" {
		why += " (the last attempt to ask failed: " + last + ")"
	}
	return fmt.Errorf("msalauth: %s: %w", why, &auth.InteractionError{Code: "expired_token"})
}
