package main

import (
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAccountsSaysWhoIsSignedInForWhatAndWhere(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	environ := home(t)
	f.login(t, environ, "room1@contoso.test")
	f.login(t, environ, "alex@contoso.test")
	requests := len(f.Requests())

	c := call(t, environ, "accounts", "-o", "json")
	c.end(t, exitDone)
	all := strings.Split(strings.TrimSpace(c.stdout.String()), "\n")
	if len(all) != 2 || !strings.Contains(all[1], "room1@contoso.test") {
		t.Fatalf("standard output has %s", c.stdout)
	}
	account := decode(t, all[0])
	want := map[string]string{
		"account": "alex@contoso.test", "tenant": f.SignIn().Tenant(), "client_id": f.SignIn().ClientID(),
		"authority": f.endpoint.Authority(), "stored_in": tokensIn(t, environ),
	}
	for field, want := range want {
		if account[field] != want {
			t.Errorf("%s is %v, want %s", field, account[field], want)
		}
	}
	fields := []string{"access_token_expires", "account", "authority", "client_id", "id", "key_source", "name", "scopes", "stored_in", "tenant"}
	if got := slices.Sorted(maps.Keys(account)); !slices.Equal(got, fields) {
		t.Errorf("the fields are %q, want %q", got, fields)
	}
	if scopes, _ := account["scopes"].([]any); len(scopes) == 0 {
		t.Errorf("scopes is %v", account["scopes"])
	}
	text, _ := account["access_token_expires"].(string)
	if end, err := time.Parse(time.RFC3339, text); err != nil || end.Before(time.Now()) || !strings.HasSuffix(text, "Z") {
		t.Errorf("access_token_expires is %q", text)
	}
	if source, _ := account["key_source"].(string); !strings.HasPrefix(source, "key file ") {
		t.Errorf("key_source is %q", source)
	}

	people := call(t, environ, "accounts", "-o", "text")
	people.end(t, exitDone)
	people.stdout.wait(t, "alex@contoso.test")
	people.stdout.wait(t, "  access token  good until ")
	people.stdout.wait(t, "Kept in "+tokensIn(t, environ), "encrypted with key file ")
	if n := len(f.Requests()); n != requests {
		t.Errorf("%d requests were made", n-requests)
	}
	f.noSecrets(t, c)
	f.noSecrets(t, people)
}

func TestWhereNobodyIsSignedInNothingIsMade(t *testing.T) {
	t.Parallel()
	for _, command := range [][]string{{"accounts"}, {"accounts", "-o", "json"}, {"logout"}, {"logout", "--all"}, {"logout", "alex@contoso.test"}} {
		environ := home(t)
		c := call(t, environ, command...)
		c.end(t, exitDone)
		c.stderr.wait(t, "Nobody is signed in", tokensIn(t, environ))
		if c.stdout.String() != "" {
			t.Errorf("%q: standard output has %q", command, c.stdout)
		}
		made, err := os.ReadDir(strings.TrimPrefix(environ[0], "HOME="))
		if err != nil || len(made) > 0 {
			t.Errorf("%q made %v, %v", command, made, err)
		}
	}
	c := call(t, nil, "accounts")
	c.end(t, exitDone)
	c.stderr.wait(t, "Nobody is signed in", "not set")
}

func TestAccountsWithoutTheKeyIsNoAnswer(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	environ := home(t)
	f.login(t, environ, "")
	config, err := configHome(environ)
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(config, "calwatch", keyFileName)
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	c := call(t, environ, "accounts")
	c.end(t, exitFailure)
	c.stderr.wait(t, "calwatch: ", "no key", key, "it is not known who is signed in")
	if _, err := os.Stat(key); err == nil {
		t.Error("a key was made that opens nothing")
	}
}

func TestShellsCompleteTheNamesOfAccounts(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	environ := home(t)
	f.login(t, environ, "")
	for _, args := range [][]string{{"logout", ""}, {"watch", "--account", ""}, {"login", "--account", "al"}} {
		c := call(t, environ, append([]string{"__complete"}, args...)...)
		c.end(t, exitDone)
		c.stdout.wait(t, "alex@contoso.test")
		c = call(t, nil, append([]string{"__complete"}, args...)...)
		c.end(t, exitDone)
		if strings.Contains(c.stdout.String(), "@") {
			t.Errorf("%q: somebody where nobody is: %s", args, c.stdout)
		}
	}
}

func TestShellsCompleteWordsThatFlagsTake(t *testing.T) {
	for _, test := range []struct {
		flag string
		want []string
	}{{"--auth", []string{authManagedIdentity, authBrowser}}, {"--cache-key", []string{keyKeyring, keyNone}}} {
		c := call(t, nil, "__complete", "watch", test.flag, "")
		c.end(t, exitDone)
		for _, word := range test.want {
			c.stdout.wait(t, word+"\n")
		}
	}
}

// Nor does it make a file, of which locks are some.
func TestAccountsMakesNothing(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	environ := home(t)
	f.login(t, environ, "")
	dir := tokensIn(t, environ)
	all := func() (names []string) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			names = append(names, entry.Name())
		}
		return names
	}
	for _, name := range all() {
		if !slices.Contains(filesIn(t, dir), name) { // a lock
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	before := all()
	c := call(t, environ, "accounts")
	c.end(t, exitDone)
	c.stdout.wait(t, "alex@contoso.test")
	if after := all(); !slices.Equal(after, before) {
		t.Errorf("there are %q, and were %q", after, before)
	}
}

func TestWhatOfOneAccountCannotBeReadConcernsNoOther(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // whose permissions are not in the mode
	}
	t.Parallel()
	f := newFake(t, nil)
	environ := home(t)
	f.login(t, environ, "room1@contoso.test")
	file := accountFile(t, tokensIn(t, environ))
	f.login(t, environ, "alex@contoso.test")
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	c := call(t, environ, "accounts")
	c.end(t, exitFailure)
	c.stdout.wait(t, "alex@contoso.test")
	c.stderr.wait(t, "calwatch: ", file, "chmod")

	c = f.call(t, environ, "--account", "alex@contoso.test")
	c.stdout.wait(t, `"reason":"started"`)
	c.stderr.wait(t, "level=WARN", file)

	// But who knows who is meant without a name, or with that of the other?
	for _, args := range [][]string{
		{"watch"}, {"watch", "--account", "room1@contoso.test"}, {"logout"}, {"logout", "room1@contoso.test"},
	} {
		c = call(t, environ, args...)
		c.end(t, exitFailure)
		c.stderr.wait(t, "calwatch: ", file)
	}
	c = call(t, environ, "logout", "--all")
	c.end(t, exitDone)
	if got := filesIn(t, tokensIn(t, environ)); len(got) > 0 {
		t.Errorf("there are still %q", got)
	}
}
