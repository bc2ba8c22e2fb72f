package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/mdp/qrterminal/v3"

	"github.com/calwatch/calwatch/internal/reconnect"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

// A signIn signs somebody in with a browser on any device.
type signIn struct {
	session      *session
	provider     *msalauth.Provider
	certificates *certificateNotes // about the provider's requests
}

func newSignIn(s *session, options msalauth.Options) (*signIn, error) {
	certificates := &certificateNotes{base: http.DefaultTransport}
	if options.HTTPClient != nil {
		certificates.base = options.HTTPClient.Transport
	}
	options.HTTPClient = &http.Client{Transport: certificates}
	provider, err := msalauth.New(options)
	if err != nil {
		return nil, err
	}
	return &signIn{session: s, provider: provider, certificates: certificates}, nil
}

// How attempts to begin are spaced; as outlookstream spaces connections.
const (
	signInFirstWait = 500 * time.Millisecond
	signInMaxWait   = time.Minute
)

// run signs somebody in for these scopes. It tries again and again until there
// is a code to show: the sign-in service may be down for a while. While somebody
// is signing in, the provider sees to that.
func (i *signIn) run(ctx context.Context, scopes []string) error {
	s := i.session
	return reconnect.NewPolicy(signInFirstWait, signInMaxWait).Run(ctx, func() error {
		s.console.setStatus("asking for a device code")
		prompted := false
		account, err := i.provider.SignInDeviceCode(ctx, scopes, func(_ context.Context, code msalauth.DeviceCode) error {
			prompted = true
			return s.prompt(code)
		})
		switch certificate := i.certificates.untrusted.Load(); {
		case err == nil:
			s.log.Info("signed in", "user", account.Username, "tenant", account.TenantID)
			return nil
		case prompted, ctx.Err() != nil: // nobody is prompted twice
			return reconnect.Permanent(err)
		case certificate != nil:
			return reconnect.Permanent(withTrustAdvice(err, certificate))
		case errors.Is(err, auth.ErrMisconfigured), errors.Is(err, auth.ErrInteractionRequired):
			return reconnect.Permanent(err)
		default:
			return err
		}
	}, func(err error, delay time.Duration) {
		s.console.setStatus(fmt.Sprintf("signing in again in %v because of: %v", delay.Round(100*time.Millisecond), err))
		s.log.Info("signing in again", "delay", delay, "err", err)
	})
}

func (s *session) prompt(code msalauth.DeviceCode) error {
	_, err := s.console.Write(devicePrompt(code, s.console.statusLine))
	s.console.setStatus("waiting for the sign-in")
	if s.prompted != nil {
		s.prompted(code)
	}
	return err
}

// devicePrompt tells a person what to do; on a terminal with the page's address
// for a telephone's camera.
func devicePrompt(code msalauth.DeviceCode, terminal bool) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "To sign in, open %s in a browser on any device and enter the code %s (good until %s).\n",
		plain(code.VerificationURL), plain(code.UserCode), code.ExpiresOn.Local().Format("15:04"))
	if terminal && fitsQRCode(code.VerificationURL) {
		qrterminal.GenerateWithConfig(code.VerificationURL, qrterminal.Config{
			Level: qrterminal.L, Writer: &b, HalfBlocks: true, QuietZone: 1,
			BlackChar: qrterminal.BLACK_BLACK, WhiteChar: qrterminal.WHITE_WHITE,
			BlackWhiteChar: qrterminal.BLACK_WHITE, WhiteBlackChar: qrterminal.WHITE_BLACK,
		})
	}
	return b.Bytes()
}

// fitsQRCode: the address comes from a server. A telephone could not read a
// very long one, and the library fails at one that fits no code at all.
func fitsQRCode(address string) bool {
	return address != "" && len(address) <= 300 && !strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r > '~' })
}
