package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/mdp/qrterminal/v3"

	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

// prompt shows a device code, and puts it into the clipboard if that is wanted.
func (s *session) prompt(code msalauth.DeviceCode, clipboard bool) error {
	text := devicePrompt(code, s.console.statusLine)
	if clipboard {
		text = append(text, s.copied(code.UserCode)...)
	}
	_, err := s.console.Write(text)
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
