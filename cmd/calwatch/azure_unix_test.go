//go:build unix

package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// identityEndpoint plays the token endpoint of managed identities that App
// Service puts into the environment of a program. It returns that environment.
func (f *fake) identityEndpoint(t *testing.T, clientID string) (environ []string, asked *atomic.Int32) {
	t.Helper()
	asked = new(atomic.Int32)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		q := r.URL.Query()
		if r.Header.Get("X-IDENTITY-HEADER") != "the-header" || q.Get("resource") != "https://outlook.office.com" || q.Get("client_id") != clientID {
			t.Errorf("it is asked for %q", r.URL)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{
			"access_token": f.Token("room1@contoso.test"), "token_type": "Bearer", "resource": q.Get("resource"),
			"expires_on": strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10),
		})
	}))
	t.Cleanup(server.Close)
	return []string{"IDENTITY_ENDPOINT=" + server.URL + "/msi/token", "IDENTITY_HEADER=the-header", "NO_PROXY=*"}, asked
}

func TestAManagedIdentity(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	const userAssigned = "11111111-2222-3333-4444-555555555555"
	for name, test := range map[string]struct {
		clientID string
		args     []string
	}{
		"of the machine": {"", nil},
		"of its own":     {userAssigned, []string{"--client-id", userAssigned}},
	} {
		t.Run(name, func(t *testing.T) {
			environ, asked := f.identityEndpoint(t, test.clientID)
			p := spawn(t, environ, append([]string{"watch", "--endpoint", f.endpoint.API(), "--ca-file", f.caFile, "--log-level", "debug",
				"--auth", "managed-identity", "--user", "room1@contoso.test"}, test.args...)...)
			p.stdout.wait(t, `"reason":"started"`)
			s := f.Subscriptions()
			if got := s[len(s)-1].Mailbox; got != "room1@contoso.test" {
				t.Errorf("the mailbox of %s is watched", got)
			}
			p.terminate(t)
			if asked.Load() != 1 {
				t.Errorf("the identity's endpoint was asked %d times", asked.Load())
			}
			f.noSecrets(t, &called{stdout: p.stdout, stderr: p.stderr})
		})
	}
}

func TestWhoeverIsSignedInToTheAzureCLI(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	dir := t.TempDir()
	answer, err := json.Marshal(map[string]any{"accessToken": f.Token("me"), "expires_on": time.Now().Add(time.Hour).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "answer"), string(answer))
	script := "#!/bin/sh\necho \"$@\" > '" + dir + "/called'\ncat '" + dir + "/answer'\n"
	if err := os.WriteFile(filepath.Join(dir, "az"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	p := spawn(t, []string{"PATH=" + dir + ":/usr/bin:/bin"}, "watch", "--endpoint", f.endpoint.API(), "--ca-file", f.caFile,
		"--log-level", "debug", "--auth", "azure-cli", "--tenant", "contoso.test")
	p.stdout.wait(t, `"reason":"started"`)
	p.terminate(t)
	words, err := os.ReadFile(filepath.Join(dir, "called"))
	if want := "account get-access-token -o json --resource https://outlook.office.com --tenant contoso.test"; err != nil || strings.TrimSpace(string(words)) != want {
		t.Errorf("az was called with %q, %v, want %q", words, err, want)
	}
	f.noSecrets(t, &called{stdout: p.stdout, stderr: p.stderr})
}

func TestAMachineThatHasNoIdentityIsNotAskedForEver(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	for name, test := range map[string]struct {
		status int
		body   string
		ends   bool
	}{
		"a page of something else": {403, "<html>no</html>", true},
		"an empty answer":          {400, "", true},
		"the service's own words":  {403, `{"error":"x"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(test.status)
				_, _ = w.Write([]byte(test.body))
			}))
			defer server.Close()
			p := spawn(t, []string{"IDENTITY_ENDPOINT=" + server.URL, "IDENTITY_HEADER=x", "NO_PROXY=*"}, "watch", "--endpoint", f.endpoint.API(),
				"--ca-file", f.caFile, "--auth", "managed-identity", "--user", "room1@contoso.test")
			if test.ends {
				p.end(t, exitFailure)
				p.stderr.wait(t, "calwatch: ", "this machine has no Azure identity")
				return
			}
			p.end(t, exitFailure)
			if strings.Contains(p.stderr.String(), "no Azure identity") {
				t.Errorf("it says that there is none:\n%s", p.stderr)
			}
		})
	}
}

func TestTheAzureCLIIsNotThere(t *testing.T) {
	t.Parallel()
	c := call(t, []string{"PATH=" + t.TempDir()}, "watch", "--auth", "azure-cli")
	c.end(t, exitUsage)
	c.stderr.wait(t, "calwatch: ", "az was not found: install the Azure CLI and run az login\n")
}

func TestNobodyIsSignedInToTheAzureCLI(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	dir := t.TempDir()
	script := "#!/bin/sh\necho \"Please run 'az login' to setup account.\" >&2\nexit 1\n"
	if err := os.WriteFile(filepath.Join(dir, "az"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	p := spawn(t, []string{"PATH=" + dir + ":/usr/bin:/bin"}, "watch", "--endpoint", f.endpoint.API(), "--ca-file", f.caFile, "--auth", "azure-cli")
	p.end(t, exitSignIn)
	p.stderr.wait(t, "calwatch: nobody is signed in to the Azure CLI: run az login\n")
}
