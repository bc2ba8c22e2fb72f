package msalauth

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"

	"github.com/calwatch/calwatch/internal/safeurl"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/internal/entra"
)

// DeviceCode is what a person needs to sign in with a browser on any device. The texts come from the authority; control
// characters are taken out, so that they can be written to a terminal.
type DeviceCode struct {
	UserCode        string    // to be typed on the page
	VerificationURL string    // the page
	Message         string    // a sentence that names both, in the authority's words
	ExpiresOn       time.Time // no use after that
}

// SignInDeviceCode signs somebody in. If the account has signed in before, what is kept of it is replaced.
//
// It calls prompt once, which should show the code and return; an error of prompt ends the sign-in and is returned. Then it
// waits until the person has approved the code, the code expires, or ctx ends, in which case it returns ctx's cause.
// Network errors and overload of the authority do not end the wait.
//
// If the person declines, or lets the code expire, errors.Is finds auth.ErrInteractionRequired in the error, and
// accounts that have signed in before still are.
func (c *Client) SignInDeviceCode(ctx context.Context, scopes []string, prompt func(context.Context, DeviceCode) error) (Account, error) {
	if len(scopes) == 0 {
		return Account{}, bad("no scope is asked for: name at least one")
	}
	if strings.Contains(c.cfg.authority, "token") {
		// MSAL makes the device code endpoint's URL by replacing "token" in the token endpoint's, wherever it stands.
		return Account{}, bad("MSAL cannot sign in by device code at an authority that has \"token\" in its name: write the tenant's id instead of its domain")
	}
	if c.closed.Load() {
		return Account{}, errClosed()
	}
	mem := &memory{}
	client, err := c.cfg.public(mem)
	if err != nil {
		return Account{}, err
	}
	var opts []public.AcquireByDeviceCodeOption
	if claims := c.wantedClaims(); claims != "" {
		opts = append(opts, public.WithClaims(claims))
	}
	startCtx, e := withExchange(ctx)
	code, err := client.AcquireTokenByDeviceCode(startCtx, scopes, opts...)
	if err != nil {
		return Account{}, c.cfg.classify(ctx, e, err, "")
	}
	shown, err := show(code.Result)
	if err != nil {
		return Account{}, err
	}
	if err := prompt(ctx, shown); err != nil {
		return Account{}, fmt.Errorf("msalauth: showing the device code: %w", err)
	}
	if err := c.await(ctx, code); err != nil {
		return Account{}, c.wanting(err)
	}
	return c.adopt(ctx, mem.bytes())
}

// await polls until the code is approved.
func (c *Client) await(ctx context.Context, code public.DeviceCode) error {
	pollCtx, e := withExchange(ctx)
	e.polling = true
	_, err := code.AuthenticationResult(pollCtx)
	switch {
	case err == nil:
		return nil
	case ctx.Err() == nil && !time.Now().Before(code.Result.ExpiresOn):
		// MSAL reports the end of the code's life as the end of a context, which a caller would take for its own.
		return e.expired()
	}
	return c.cfg.classify(ctx, e, err, "")
}

// userCode is what people can be asked to enter, and what may go into a clipboard.
var userCode = regexp.MustCompile(`^[A-Za-z0-9-]{1,32}$`)

// show checks what the authority wants to be shown. It is about to be followed by a person.
func show(r public.DeviceCodeResult) (DeviceCode, error) {
	d := DeviceCode{
		UserCode: entra.Printable(r.UserCode), VerificationURL: entra.Printable(r.VerificationURL), Message: entra.Printable(r.Message), ExpiresOn: r.ExpiresOn,
	}
	u, err := url.Parse(d.VerificationURL)
	if !userCode.MatchString(r.UserCode) || err != nil || !safeurl.Is(u) {
		return d, bad("the authority sent a device code without a user code of letters and digits, or without an https page to enter it on: check its address")
	}
	if d.Message == "" {
		d.Message = fmt.Sprintf("To sign in, open %s and enter the code %s.", d.VerificationURL, d.UserCode)
	}
	return d, nil
}

// expired describes a device code that nobody approved in time.
func (e *exchange) expired() error {
	why := "the device code expired before anybody approved it"
	if last := e.lastFault(); last != "" {
		why += " (the last attempt to ask failed: " + last + ")"
	}
	return fmt.Errorf("msalauth: %s: %w", why, &auth.InteractionError{Code: "expired_token"})
}
