package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/calwatch/calwatch/internal/fakeserver"
)

// tenant returns the flags that say which application asks where.
func (f *fake) tenant() []string {
	authority := f.endpoint.URL + "/" + f.SignIn().Tenant()
	return []string{"--authority", authority, "--client-id", f.SignIn().ClientID()}
}

func TestAnApplicationWithASecretWatchesTheMailboxThatIsNamed(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	file := filepath.Join(t.TempDir(), "secret")
	first := f.SignIn().ClientSecret()
	writeFile(t, file, "  "+first+"\r\n")
	environ := home(t)
	c := f.call(t, environ, append(f.tenant(), "--tenant", f.SignIn().Tenant(), "--client-secret-file", file, "--user", "room1@contoso.test", "--log-level", "debug")...)
	c.stdout.wait(t, `"reason":"started"`)
	if got := f.Subscriptions()[0].Mailbox; got != "room1@contoso.test" {
		t.Errorf("the mailbox of %s is watched", got)
	}

	// The secret is replaced, and so is the token, soon after.
	writeFile(t, file, f.SignIn().AddSecret(""))
	f.SignIn().RemoveSecret(first)
	f.SignIn().ExpireTokens()
	f.ExpireSubscriptions()
	c.stdout.wait(t, `"reason":"resubscribed"`)
	c.stop()
	c.end(t, exitDone)
	f.noSecrets(t, c)
	if made, err := os.ReadDir(strings.TrimPrefix(environ[0], "HOME=")); err != nil || len(made) > 0 {
		t.Errorf("an application needs no cache, and %v was made, %v", made, err)
	}
}

func TestAnApplicationWithACertificate(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	dir := t.TempDir()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "x"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	f.SignIn().AddCertificate(certificate)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	for kind, content := range map[string][]byte{"CERTIFICATE": raw, "PRIVATE KEY": private} {
		if err := pem.Encode(&text, &pem.Block{Type: kind, Bytes: content}); err != nil {
			t.Fatal(err)
		}
	}
	pfx, err := pkcs12.Modern.Encode(key, certificate, nil, "a pass word")
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "pem"), text.String())
	writeFile(t, filepath.Join(dir, "pfx"), string(pfx))
	writeFile(t, filepath.Join(dir, "password"), "a pass word\n")
	writeFile(t, filepath.Join(dir, "wrong"), "another\n")
	for name, test := range map[string]struct {
		file, password string
		status         int
		says           string
	}{
		"PEM":            {"pem", "", exitDone, ""},
		"PFX":            {"pfx", "password", exitDone, ""},
		"no password":    {"pfx", "", exitFailure, "/pfx: auth: signing in cannot work as configured: the PFX file needs a password: name a file with it by --certificate-password-file\n"},
		"wrong password": {"pfx", "wrong", exitFailure, "password of the PFX file is wrong: --certificate-password-file is "},
		"something else": {"password", "", exitFailure, "neither PEM nor a PFX file"},
	} {
		t.Run(name, func(t *testing.T) {
			args := append(f.tenant(), "--certificate-file", filepath.Join(dir, test.file), "--user", "room1@contoso.test")
			if test.password != "" {
				args = append(args, "--certificate-password-file", filepath.Join(dir, test.password))
			}
			c := f.call(t, nil, args...)
			if test.status == exitDone {
				c.stdout.wait(t, `"reason":"started"`)
				c.stop()
			}
			c.end(t, test.status)
			if test.says != "" {
				c.stderr.wait(t, "calwatch: ", test.says)
			}
			if strings.Contains(c.stderr.String(), "pass word") {
				t.Error("the password is shown")
			}
		})
	}
}

func TestAnApplicationByMistake(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	file := filepath.Join(t.TempDir(), "secret")
	writeFile(t, file, f.SignIn().ClientSecret())
	secret := append(f.tenant(), "--client-secret-file", file)
	with := func(args ...string) []string { return append(slices.Clone(secret), args...) }
	for name, test := range map[string]struct {
		args []string
		says string
	}{
		"nobody's mailbox":       {with(), "me/events: an application's tokens belong to nobody, so it must be said whose mailbox is meant: with --user"},
		"one is nobody's":        {with("users/room1@contoso.test/events", "me/messages"), "me/messages: an application's"},
		"managed identity":       {[]string{"--auth", "managed-identity"}, "whose mailbox is meant"},
		"no tenant":              {[]string{"--client-id", "x", "--client-secret-file", file, "users/x/events"}, "--tenant is missing"},
		"no tenant of its own":   {[]string{"--client-id", "x", "--client-secret-file", file, "--authority", f.endpoint.Authority(), "users/x/events"}, "instead of \"common\""},
		"no such secret":         {append(f.tenant(), "--client-secret-file", "/does/not/exist", "users/x/events"), "--client-secret-file: stat /does/not/exist"},
		"no such certificate":    {append(f.tenant(), "--certificate-file", "/does/not/exist", "users/x/events"), "--certificate-file: stat /does/not/exist"},
		"no such password":       {append(f.tenant(), "--certificate-file", file, "--certificate-password-file", "/does/not/exist", "users/x/events"), "--certificate-password-file: stat /does/not/exist"},
		"no application":         {[]string{"--client-secret-file", file, "users/x/events"}, "--client-id is missing: name the application (client) id that the secret belongs to"},
		"secret and certificate": {with("--certificate-file", file), "say with --auth which is meant"},
		"a tenant of no shape":   {[]string{"--auth", "azure-cli", "--tenant", "a b"}, "--auth: "},
	} {
		t.Run(name, func(t *testing.T) {
			c := f.call(t, nil, test.args...)
			c.end(t, exitUsage)
			c.stderr.wait(t, "calwatch: ", test.says)
		})
	}
}

func TestAnApplicationWatchesMailboxesThatThePathsName(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	file := filepath.Join(t.TempDir(), "secret")
	writeFile(t, file, f.SignIn().ClientSecret())
	paths := []string{"/Users/room1@contoso.test/events", "users/alex@contoso.test/events"}
	c := f.call(t, nil, append(append(f.tenant(), "--client-secret-file", file), paths...)...)
	for _, path := range paths {
		c.stdout.wait(t, `"reason":"started"`, path)
	}
	f.change(t, fakeserver.Change{User: "alex@contoso.test", ChangeType: "Created", ID: "1"})
	c.stdout.wait(t, `"id":"1"`, paths[1])
}

func TestASecretThatIsNoneIsNotTriedForEver(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	file := filepath.Join(t.TempDir(), "secret")
	expired := f.SignIn().AddSecret("")
	f.SignIn().ExpireSecret(expired)
	for name, test := range map[string]struct{ content, says string }{
		"wrong":     {"a-wrong-one", "the client secret is wrong: use its value"},
		"expired":   {expired, "the client secret has expired: make a new one"},
		"two lines": {"one\ntwo", "more than one line"},
		"UTF-16":    {"\xff\xfeo\x00n\x00e\x00", "UTF-16"},
		"huge":      {strings.Repeat("x", maxToken+1), "too large"},
	} {
		t.Run(name, func(t *testing.T) {
			writeFile(t, file, test.content)
			c := f.call(t, nil, append(f.tenant(), "--client-secret-file", file, "users/room1@contoso.test/events")...)
			c.end(t, exitFailure)
			c.stderr.wait(t, "calwatch: ", test.says)
			f.noSecrets(t, c)
			if strings.Contains(c.stderr.String(), test.content) {
				t.Error("what is in the file is shown")
			}
		})
	}
}

func TestASecretFileThatIsEmptyIsWaitedFor(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	file := filepath.Join(t.TempDir(), "secret")
	writeFile(t, file, "\n")
	c := f.call(t, nil, append(f.tenant(), "--client-secret-file", file, "users/room1@contoso.test/events")...)
	c.stderr.wait(t, "client secret file", "is empty")
	writeFile(t, file, f.SignIn().ClientSecret())
	c.stdout.wait(t, `"reason":"started"`)
}

func TestSecretFilesThatOthersCanReadAreWarnedOf(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // whose permissions are not in the mode
	}
	t.Parallel()
	f := newFake(t, nil)
	file := filepath.Join(t.TempDir(), "secret")
	writeFile(t, file, f.SignIn().ClientSecret())
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	c := f.call(t, nil, append(f.tenant(), "--client-secret-file", file, "users/room1@contoso.test/events")...)
	c.stderr.wait(t, "level=WARN", "client secret file: chmod 600", file)
}
