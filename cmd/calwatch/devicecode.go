package main

import (
	"bytes"
	"context"
	"fmt"

	"github.com/mdp/qrterminal/v3"

	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

// deviceCodeSignIn returns a function that signs somebody in with a browser on
// any device.
func (s *session) deviceCodeSignIn(p *msalauth.Provider) func(context.Context, []string) error {
	return func(ctx context.Context, scopes []string) error {
		s.console.setStatus("asking for a device code")
		account, err := p.SignInDeviceCode(ctx, scopes, func(_ context.Context, code msalauth.DeviceCode) error {
			_, err := s.console.Write(devicePrompt(code, s.console.statusLine))
			s.console.setStatus("waiting for the sign-in")
			if s.prompted != nil {
				s.prompted(code)
			}
			return err
		})
		if err != nil {
			return err
		}
		s.log.Info("signed in", "user", account.Username, "tenant", account.TenantID)
		return nil
	}
}

// devicePrompt tells a person what to do; on a terminal with the page's address
// for a telephone's camera.
func devicePrompt(code msalauth.DeviceCode, terminal bool) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "To sign in, open %s in a browser on any device and enter the code %s (good until %s).\n",
		plain(code.VerificationURL), plain(code.UserCode), code.ExpiresOn.Local().Format("15:04"))
	if terminal {
		qrterminal.GenerateWithConfig(code.VerificationURL, qrterminal.Config{
			Level: qrterminal.L, Writer: &b, HalfBlocks: true, QuietZone: 1,
			BlackChar: qrterminal.BLACK_BLACK, WhiteChar: qrterminal.WHITE_WHITE,
			BlackWhiteChar: qrterminal.BLACK_WHITE, WhiteBlackChar: qrterminal.WHITE_BLACK,
		})
	}
	return b.Bytes()
}
