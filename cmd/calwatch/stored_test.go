package main

import (
	"strings"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

// The whole point of it, with processes as a user would run them.
func TestTheSecondWatchNeedsNoSignInAndAThirdBesideItNeither(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	environ := home(t)
	endpoint := []string{"--endpoint", f.endpoint.API(), "--ca-file", f.caFile, "--log-level", "debug"}
	watch := func(args ...string) *process {
		return spawn(t, environ, append(append([]string{"watch"}, endpoint...), args...)...)
	}
	started := func(p *process) {
		t.Helper()
		p.stdout.wait(t, `"reason":"started"`)
	}

	first := watch("--auth", "device-code", "--authority", f.endpoint.Authority(), "--client-id", f.SignIn().ClientID())
	if err := f.SignIn().Approve(userCode(t, first.stderr), ""); err != nil {
		t.Fatal(err)
	}
	started(first)
	first.terminate(t)

	second := watch()
	started(second)
	third := watch("--account", "alex@contoso.test")
	started(third)
	f.change(t, fakeserver.Change{ChangeType: "Created", ID: "1"})
	second.stdout.wait(t, `"id":"1"`)
	third.stdout.wait(t, `"id":"1"`)

	// Both are refused, and one renewal is enough for both.
	renewals := f.SignIn().TokenRequests()
	f.SignIn().ExpireTokens()
	f.ExpireSubscriptions()
	second.stdout.wait(t, `"reason":"resubscribed"`)
	third.stdout.wait(t, `"reason":"resubscribed"`)
	if n := f.SignIn().TokenRequests() - renewals; n < 1 || n > 2 {
		t.Errorf("there were %d renewals", n)
	}
	second.terminate(t)
	third.terminate(t)

	if n := f.prompts(); n != 1 {
		t.Errorf("somebody was prompted %d times, want once", n)
	}
	for _, p := range []*process{first, second, third} {
		f.noSecrets(t, &called{stdout: p.stdout, stderr: p.stderr})
	}
	f.noSecretsIn(t, strings.TrimPrefix(environ[0], "HOME="), "alex@contoso.test")
}

func TestWatchOfSomebodyWhoseSignInIsOverEndsAndSaysHowToSignInAgain(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	environ := home(t)
	f.login(t, environ, "")
	f.SignIn().Revoke("alex@contoso.test")
	c := f.call(t, environ, "--auth", "device-code", "me/events")
	c.end(t, exitSignIn)
	c.stderr.wait(t, "calwatch: alex@contoso.test has to sign in again (AADSTS50173: the sign-in was revoked or has expired): "+
		"run: calwatch login --account alex@contoso.test --ca-file "+f.caFile+" --cache-key file me/events\n")
	if n := f.prompts(); n != 1 {
		t.Errorf("somebody was prompted %d times: only at 'calwatch login' is anybody there", n)
	}

	// And what it says is true.
	again := call(t, environ, "login", "--account", "alex@contoso.test", "--ca-file", f.caFile, "--cache-key", "file", "me/events")
	if err := f.SignIn().Approve(userCode(t, again.stderr), ""); err != nil {
		t.Fatal(err)
	}
	again.end(t, exitDone)
	c = f.call(t, environ)
	c.stdout.wait(t, `"reason":"started"`)
	c.stop()
	c.end(t, exitDone)
	f.noSecrets(t, c)
}

func TestWatchWhereNobodyIsSignedInSaysWhatToRun(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	some := home(t)
	f.login(t, some, "")
	for name, test := range map[string]struct {
		environ []string
		args    []string
		says    []string
	}{
		"application known": {home(t), append(f.application()[:4:4], "me/contacts"), []string{
			"nobody is signed in, and there is nobody to ask",
			"run: calwatch login --client-id " + f.SignIn().ClientID() + " --authority " + f.endpoint.Authority() + " --ca-file ", " me/contacts\n",
		}},
		"application unknown":    {home(t), nil, []string{"with the id of your app registration, run: calwatch login ", " --client-id ID"}},
		"by a variable":          {append(home(t), "CALWATCH_AUTH=device-code"), f.application()[:4], []string{"there is nobody to ask"}},
		"somebody else":          {some, []string{"--account", "kim@contoso.test"}, []string{"kim@contoso.test is not signed in (there are: alex@contoso.test", "login --account kim@contoso.test"}},
		"another application":    {some, []string{"--client-id", "x"}, []string{"there are: alex@contoso.test"}},
		"another authority":      {some, []string{"--authority", "https://login.example.test/common"}, []string{"there are: alex@contoso.test"}},
		"another tenant":         {some, []string{"--tenant", "fabrikam.test"}, []string{"there are: alex@contoso.test"}},
		"nowhere to keep it":     {nil, f.application()[:4], []string{"there is nobody to ask", "--cache-dir", "--cache-key-file"}},
		"no place to keep it":    {unwritable(t), f.application()[:4], []string{"there is nobody to ask: sign-ins are not kept: making the directory: "}},
		"a name that is no name": {home(t), append(f.application()[:4:4], "--account", "a 'b"), []string{`login --account 'a '\''b' `}},
	} {
		t.Run(name, func(t *testing.T) {
			c := f.call(t, test.environ, test.args...)
			c.end(t, exitSignIn)
			c.stderr.wait(t, append(test.says, "calwatch: ")...)
		})
	}
	if n := f.prompts(); n != 1 {
		t.Errorf("somebody was prompted %d times, want once for the login", n)
	}
}

func TestWatchSignsInWhoeverIsAtTheTerminal(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	environ := home(t)
	c := atTerminal(t, environ, append([]string{"watch", "--endpoint", f.endpoint.API(), "-o", "json"}, f.application()...)...)
	if err := f.SignIn().Approve(userCode(t, c.stderr), ""); err != nil {
		t.Fatal(err)
	}
	c.stdout.wait(t, `"reason":"started"`)
	c.stop()
	c.end(t, exitDone)
	c = f.call(t, environ)
	c.stdout.wait(t, `"reason":"started"`)
}

func TestSeveralAccountsHaveToBeToldApart(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	environ := home(t)
	f.login(t, environ, "alex@contoso.test")
	f.login(t, environ, "room1@contoso.test")
	c := f.call(t, environ)
	c.end(t, exitUsage)
	c.stderr.wait(t, "calwatch: ", "--account", "which is meant: alex@contoso.test, room1@contoso.test\n")
	list := call(t, environ, "accounts")
	id, _ := decode(t, list.stdout.wait(t, "room1@contoso.test"))["id"].(string)
	for _, args := range [][]string{
		{"--account", "room1@contoso.test"}, {"--account", "ROOM1@contoso.test", "--client-id", f.SignIn().ClientID()}, {"--account", id},
	} {
		c = f.call(t, environ, args...)
		c.stdout.wait(t, `"reason":"started"`)
		if s := f.Subscriptions(); s[len(s)-1].Mailbox != "room1@contoso.test" {
			t.Errorf("the mailbox of %s is watched", s[len(s)-1].Mailbox)
		}
	}
}

func TestOneAccountOfTwoApplicationsIsToldApartByThose(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	g := newFake(t, &fakeserver.Options{ClientID: "11111111-2222-3333-4444-555555555555"})
	environ := home(t)
	f.login(t, environ, "")
	g.login(t, environ, "")
	c := f.call(t, environ, "--account", "alex@contoso.test")
	c.end(t, exitUsage)
	c.stderr.wait(t, "--client-id, --authority or --tenant", f.endpoint.Authority(), g.endpoint.Authority())
	for _, args := range [][]string{{"--client-id", f.SignIn().ClientID()}, {"--authority", f.endpoint.Authority()}} {
		c = f.call(t, environ, args...)
		c.stdout.wait(t, `"reason":"started"`)
	}
}

func TestTheTenantOfAStoredAccountHasTwoNames(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	environ := home(t)
	f.login(t, environ, "") // at "common"
	c := f.call(t, environ, "--tenant", f.SignIn().Tenant())
	c.stdout.wait(t, `"reason":"started"`)
}

func TestAPermissionThatIsMissingIsAskedForByTheCommandThatItSays(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	environ := home(t)
	f.login(t, environ, "")
	if err := f.SignIn().Reject(signin.Rejection{User: "alex@contoso.test", Code: 65001, On: "refresh_token"}); err != nil {
		t.Fatal(err)
	}
	c := f.call(t, environ, "me/mailfolders('inbox')/messages")
	c.end(t, exitSignIn)
	c.stderr.wait(t, "calwatch: ", "AADSTS65001", "consent", `run: calwatch login --account alex@contoso.test`, `'me/mailfolders('\''inbox'\'')/messages'`)
}
