package main

import (
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

// signIn runs "calwatch watch" up to the prompt.
func (f *fake) signIn(t *testing.T, args ...string) (c *called, userCode string) {
	t.Helper()
	c = f.call(t, nil, append([]string{
		"--authority", f.endpoint.Authority(), "--client-id", f.SignIn().ClientID(), "--auth", "device-code", "--log-level", "debug",
	}, args...)...)
	_, userCode, _ = strings.Cut(c.stderr.wait(t, "enter the code"), "enter the code ")
	userCode, _, _ = strings.Cut(userCode, " ")
	return c, userCode
}

func TestSignInByDeviceCode(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	c, code := f.signIn(t, "--scope", "https://outlook.office.com/calendars.read", "--scope", "https://outlook.office.com/mail.read", "me/events", "me/messages")
	if err := f.SignIn().Approve(code, ""); err != nil {
		t.Fatal(err)
	}
	c.stderr.wait(t, "signed in", "alex@contoso.test")
	c.stdout.wait(t, `"resource":"me/messages"`, `"reason":"started"`)
	c.stop()
	c.end(t, exitDone)
	f.noSecrets(t, c)
}

func TestSignInThatIsDeclined(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	c, code := f.signIn(t)
	if err := f.SignIn().Deny(code); err != nil {
		t.Fatal(err)
	}
	c.end(t, exitSignIn)
	c.stderr.wait(t, "calwatch: the sign-in was declined in the browser: run calwatch login again\n")
	f.noSecrets(t, c)
}

func TestSignInThatIsInterrupted(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	c, _ := f.signIn(t)
	begin := time.Now()
	c.stop()
	c.end(t, exitDone)
	if took := time.Since(begin); took > time.Second {
		t.Errorf("it took %v to stop", took)
	}
	f.noSecrets(t, c)
}

func TestRevokedSignInEndsTheWatch(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	c, code := f.signIn(t)
	if err := f.SignIn().Approve(code, ""); err != nil {
		t.Fatal(err)
	}
	c.stdout.wait(t, `"reason":"started"`)
	f.SignIn().Revoke("alex@contoso.test")
	f.change(t, fakeserver.Change{ChangeType: "Created"})
	c.stdout.wait(t, `"type":"created"`)
	f.arm(t, fakeserver.Fault{On: "stream", Do: "cut"})
	c.end(t, exitSignIn)
	c.stderr.wait(t, "calwatch: alex@contoso.test has to sign in again (AADSTS50173: the sign-in was revoked or has expired): run: calwatch login ")
	c.stderr.wait(t, "level=DEBUG", "(invalid_grant, bad_token)")
	if n := strings.Count(c.stderr.String(), "enter the code"); n != 1 {
		t.Errorf("there were %d prompts: nobody may be there to see a second one", n)
	}
	f.noSecrets(t, c)
}

func TestSignInWithAnUnknownClientID(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	c := f.call(t, nil, "--authority", f.endpoint.Authority(), "--client-id", "11111111-2222-3333-4444-555555555555", "--auth", "device-code")
	c.end(t, exitFailure)
	c.stderr.wait(t, "calwatch: ", "AADSTS")
}

func TestSignInServiceThatIsDownAtTheStartIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		down, up func(f *fake)
		says     string
	}{
		"overloaded": {
			down: func(f *fake) { f.arm(t, fakeserver.Fault{On: "devicecode", Do: "status", Status: 503, Times: -1}) },
			up:   func(f *fake) { f.Disarm() },
			says: "503",
		},
		"unreachable": {
			down: func(f *fake) { f.endpoint.Refuse(true) },
			up:   func(f *fake) { f.endpoint.Refuse(false) },
			says: "cannot be reached",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, nil)
			test.down(f)
			c := f.call(t, nil, "--authority", f.endpoint.Authority(), "--client-id", f.SignIn().ClientID(), "--auth", "device-code")
			c.stderr.wait(t, "signing in again", "delay=", test.says)
			test.up(f)
			c.stderr.wait(t, "enter the code")
			c.stop()
			c.end(t, exitDone)
			f.noSecrets(t, c)
		})
	}
}

func TestSignInServiceThatStaysDownKeepsNothingFromEnding(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	f.endpoint.Refuse(true)
	c := f.call(t, nil, "--authority", f.endpoint.Authority(), "--client-id", f.SignIn().ClientID(), "--auth", "device-code")
	c.stderr.wait(t, "signing in again")
	c.stop()
	c.end(t, exitDone)
}

func TestSignInServiceWithAnUnknownCertificateEndsTheWatch(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	c := call(t, nil, "watch", "--endpoint", f.endpoint.API(), "--authority", f.endpoint.Authority(), "--client-id", f.SignIn().ClientID(), "--auth", "device-code")
	c.end(t, exitFailure)
	c.stderr.wait(t, "calwatch: ", "certificate", "--ca-file")
	if strings.Contains(c.stderr.String(), "signing in again") {
		t.Errorf("it was tried again:\n%s", c.stderr)
	}
}

func TestPromptHasAQRCodeOnATerminalOnly(t *testing.T) {
	code := msalauth.DeviceCode{
		UserCode: "ABC\x1b[31mDEF", VerificationURL: "https://login.example.test/device", ExpiresOn: time.Date(2026, 11, 21, 9, 45, 0, 0, time.Local),
	}
	const words = "To sign in, open https://login.example.test/device in a browser on any device and enter the code ABC[31mDEF (good until 09:45).\n"
	if got := string(devicePrompt(code, false)); got != words {
		t.Errorf("got %q, want %q", got, words)
	}
	got := string(devicePrompt(code, true))
	if !strings.HasPrefix(got, words) || strings.Count(got, "▄") < 50 || strings.Count(got, "\n") < 10 {
		t.Errorf("there is no QR code:\n%s", got)
	}
	for line := range strings.Lines(strings.TrimPrefix(got, words)) {
		if n := len([]rune(line)); n > 80 {
			t.Errorf("a line of %d characters does not fit a terminal", n)
		}
	}
}

func TestAnAddressThatFitsNoQRCodeIsOnlyWritten(t *testing.T) {
	for _, address := range []string{"https://evil.example/" + strings.Repeat("日", 979), "https://evil.example/" + strings.Repeat("x", 3000), ""} {
		if got := string(devicePrompt(msalauth.DeviceCode{UserCode: "ABC", VerificationURL: address}, true)); strings.Contains(got, "▄") || !strings.Contains(got, "ABC") {
			t.Errorf("%.40s: %.200q", address, got)
		}
	}
}
