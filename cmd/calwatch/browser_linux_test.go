package main

import (
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver"
)

// desktop returns an environment like home's with a display and an xdg-open,
// which is a script. It gets the address as $1.
func desktop(t *testing.T, script string) (environ []string, dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte("#!/bin/sh\ncd "+dir+"\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return append(home(t), "DISPLAY=:0", "PATH="+dir+":/usr/bin:/bin"), dir
}

// browse is somebody who opens the address that was printed, and signs in: the
// fake needs no more than that.
func (f *fake) browse(t *testing.T, c *called) {
	t.Helper()
	address := c.stderr.wait(t, "  https://", "/authorize?")
	client := f.endpoint.Client("h2")
	defer client.CloseIdleConnections()
	page := get(t, client, address)
	target := regexp.MustCompile(`action="([^"]+)"`).FindStringSubmatch(page)
	if target == nil {
		t.Fatalf("there is no form to send on:\n%s", page)
	}
	values := url.Values{}
	for _, field := range regexp.MustCompile(`name="([^"]+)" value="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		values.Set(html.UnescapeString(field[1]), html.UnescapeString(field[2]))
	}
	answer, err := new(http.Client).PostForm(html.UnescapeString(target[1]), values)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("the program answers the browser %s", answer.Status)
	}
}

func TestLoginWithTheBrowserOfThisMachine(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"opened":                  "echo noise; echo noise >&2; echo \"$1\" > opened",
		"for as long as it is on": "echo \"$1\" > opened; exec sleep 60",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, nil)
			environ, dir := desktop(t, script)
			c := call(t, environ, append([]string{"login", "--account", "alex@contoso.test", "--log-level", "debug"}, f.application()...)...)
			f.browse(t, c)
			c.end(t, exitDone)
			c.stderr.wait(t, "Signed in as alex@contoso.test")
			opened, err := os.ReadFile(filepath.Join(dir, "opened"))
			if err != nil || !strings.Contains(c.stderr.String(), strings.TrimSpace(string(opened))) || !strings.Contains(string(opened), "login_hint=alex%40contoso.test") {
				t.Errorf("the browser was sent to %q, %v", opened, err)
			}
			if strings.Contains(c.stderr.String(), "noise") || c.stdout.String() != "" {
				t.Errorf("what opens the browser writes to where the program does: %s%s", c.stdout, c.stderr)
			}
			f.noSecrets(t, c)
			c = f.call(t, environ)
			c.stdout.wait(t, `"reason":"started"`)
		})
	}
}

func TestLoginFallsBackToADeviceCodeWhereNoWindowOpens(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	environ, _ := desktop(t, "exit 3")
	c := call(t, environ, append([]string{"login", "--log-level", "info"}, f.application()...)...)
	if err := f.SignIn().Approve(userCode(t, c.stderr), ""); err != nil {
		t.Fatal(err)
	}
	c.end(t, exitDone)
	c.stderr.wait(t, "no browser could be opened", "exit status 3")
	c.stderr.wait(t, "Signed in as alex@contoso.test")
	if strings.Contains(c.stderr.String(), "/authorize?") {
		t.Errorf("it shows an address that leads nowhere:\n%s", c.stderr)
	}
}

func TestABrowserThatWasAskedForIsWaitedFor(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	environ, _ := desktop(t, "exit 3")
	for _, environ := range [][]string{environ, home(t)} { // no window, and no display
		c := call(t, environ, append([]string{"login", "--browser"}, f.application()...)...)
		c.stderr.wait(t, "No window could be opened", "open this address")
		f.browse(t, c)
		c.end(t, exitDone)
		c.stderr.wait(t, "Signed in as alex@contoso.test")
	}
	if n := f.prompts(); n != 0 {
		t.Errorf("there were %d device codes", n)
	}
}

func TestWatchSignsInWithTheBrowser(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	environ, _ := desktop(t, "exit 0")
	c := f.call(t, environ, append(f.application()[:4:4], "--auth", "browser")...)
	f.browse(t, c)
	c.stdout.wait(t, `"reason":"started"`)
	c.stop()
	c.end(t, exitDone)
	f.noSecrets(t, c)

	// And is not asked again, even where there could be no browser.
	c = f.call(t, append(environ, "SSH_TTY=x"), "--auth", "browser")
	c.stdout.wait(t, `"reason":"started"`)
	c = f.call(t, append(home(t), "SSH_TTY=x"), append(f.application()[:4:4], "--auth", "browser")...)
	c.end(t, exitUsage)
	c.stderr.wait(t, "SSH session")
}

func TestABrowserSignInThatIsInterrupted(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	environ, _ := desktop(t, "exec sleep 60")
	c := call(t, environ, append([]string{"login"}, f.application()...)...)
	c.stderr.wait(t, "/authorize?")
	c.stop()
	c.end(t, exitSignIn)
	if strings.Contains(c.stderr.String(), "calwatch: ") {
		t.Errorf("it complains: %s", c.stderr)
	}
}

func TestTheSignInPageIsTriedAgainWhileTheServiceIsDown(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	f.arm(t, fakeserver.Fault{On: "token", Do: "status", Status: 503})
	f.endpoint.Refuse(true)
	environ, _ := desktop(t, "exit 0")
	c := call(t, environ, append([]string{"login", "--log-level", "info"}, f.application()...)...)
	c.stderr.wait(t, "signing in again", "cannot be reached")
	f.endpoint.Refuse(false)
	f.browse(t, c)
	c.end(t, exitFailure) // somebody has signed in; it is not done to them twice
	c.stderr.wait(t, "calwatch: ", "503")
}
