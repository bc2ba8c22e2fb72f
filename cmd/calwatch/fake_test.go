package main

import (
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
)

// fake is a fake service in this process.
type fake struct {
	*fakeserver.Server
	endpoint *fakeserver.Endpoint
	caFile   string
}

func newFake(t *testing.T, opts *fakeserver.Options) *fake {
	t.Helper()
	server := fakeserver.New(opts)
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	endpoint, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{Server: server, endpoint: endpoint, caFile: filepath.Join(t.TempDir(), "ca.pem")}
	writeFile(t, f.caFile, string(endpoint.CAPEM()))
	return f
}

// watch runs "calwatch watch" against the fake with a token from a file.
func (f *fake) watch(t *testing.T, args ...string) *called {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	writeFile(t, file, f.Token("me"))
	return f.call(t, nil, append([]string{"--token-file", file}, args...)...)
}

func (f *fake) call(t *testing.T, environ []string, args ...string) *called {
	t.Helper()
	return call(t, environ, append([]string{"watch", "--endpoint", f.endpoint.API(), "--ca-file", f.caFile}, args...)...)
}

func (f *fake) change(t *testing.T, c fakeserver.Change) fakeserver.Entry {
	t.Helper()
	if c.Resource == "" {
		c.Resource = "me/events"
	}
	entries, err := f.Change(c)
	if err != nil {
		t.Fatal(err)
	}
	return entries[0]
}

func (f *fake) arm(t *testing.T, fault fakeserver.Fault) {
	t.Helper()
	if err := f.Arm(fault); err != nil {
		t.Fatal(err)
	}
}

// noSecrets checks that nothing printed shows a secret.
func (f *fake) noSecrets(t *testing.T, c *called) {
	t.Helper()
	secrets := f.SignIn().Secrets()
	if len(secrets) < 2 {
		t.Fatal("there were no secrets to look for")
	}
	for _, secret := range secrets {
		if strings.Contains(c.stdout.String()+c.stderr.String(), secret) {
			t.Error("a secret was printed")
		}
	}
}

// post calls the control API.
func post(t *testing.T, client *http.Client, url, body string) string {
	t.Helper()
	response, err := client.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("POST %s %s: %d %s %v", url, body, response.StatusCode, answer, err)
	}
	return string(answer)
}

// get calls the control API for reading.
func get(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// asked waits until a path that ends so has been asked for n times.
func (f *fake) asked(t *testing.T, suffix string, n int) {
	t.Helper()
	f.until(t, func() bool {
		asked := 0
		for _, r := range f.Requests() {
			if strings.HasSuffix(strings.TrimSuffix(r.Path, "?"), suffix) {
				asked++
			}
		}
		return asked >= n
	}, "%s was not asked for %d times", suffix, n)
}

// until waits for something to be so.
func (f *fake) until(t *testing.T, so func() bool, otherwise string, args ...any) {
	t.Helper()
	end := time.After(patient)
	check := time.NewTicker(time.Millisecond)
	defer check.Stop()
	for !so() {
		select {
		case <-check.C:
		case <-end:
			t.Fatalf(otherwise, args...)
		}
	}
}
