package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
)

// Whatever the services do, nothing that the tool prints or writes holds a
// secret that was ever issued, nor half of one: with every fault that the fake
// knows, at debug level, in both forms of output, and with services that say
// back to the client what it has sent them.
func TestNoFaultMakesTheToolShowASecret(t *testing.T) {
	t.Parallel()
	h := newHunt()
	all := faultsThereAre(t)
	run := map[string]func(*testing.T, *hunt, []fakeserver.Fault){
		"subscribe": huntWatch, "listen": huntWatch, "stream": huntWatch,
		"token": huntToken, "devicecode": huntLogin, "configuration": huntLogin, "authorize": huntBrowser,
		"ewsSubscribe": huntExchange, "ewsListen": huntExchange, "ewsStream": huntExchange, "ewsCall": huntExchange,
	}
	t.Run("on", func(t *testing.T) { // so that all of it is over before the accounts
		for on, dos := range all {
			if run[on] == nil {
				t.Errorf("there are faults on %s, and nothing here goes through them", on)
				continue
			}
			t.Run(on, func(t *testing.T) {
				t.Parallel()
				var faults []fakeserver.Fault
				for _, do := range dos {
					faults = append(faults, variants(on, do)...)
				}
				run[on](t, h, faults)
			})
		}
	})
	faults := 0
	for on, dos := range all {
		for _, do := range dos {
			if faults++; !h.faults[on+" "+do] {
				t.Errorf("the fault %s on %s was not run", do, on)
			}
		}
	}
	t.Logf("secrets: %d faults, %d secrets, %d bytes of output searched, hits: %d", faults, len(h.secrets), h.bytes, h.hits)
}

// variants are the forms of a fault that a client treats differently.
func variants(on, do string) []fakeserver.Fault {
	fault := fakeserver.Fault{On: on, Do: do, Delay: 10 * time.Millisecond}
	if do != "status" {
		return []fakeserver.Fault{fault}
	}
	statuses := []int{400, 401, 503}
	if on == "subscribe" || on == "listen" {
		statuses = []int{401, 403, 404, 410, 429, 503}
	}
	var faults []fakeserver.Fault
	for _, status := range statuses {
		fault.Status = status
		faults = append(faults, fault)
	}
	return faults
}

// echoing has a fault say something back wherever it can say anything.
func echoing(f fakeserver.Fault, secret string) fakeserver.Fault {
	switch f.Do {
	case "status", "errorDocument", "inStreamError", "html", "redirect", "soapFault", "errorMessage":
	default:
		return f
	}
	f.Code, f.Message = secret, "no: "+secret
	code := "2000008"
	if strings.HasPrefix(f.On, "ews") { // where that one is for good
		code = "2000002"
	}
	if f.On != "stream" && f.On != "ewsStream" {
		f.Headers = map[string]string{
			"request-id": secret, "X-DiagInfo": secret, "x-ms-diagnostics": code + ";reason=\"" + secret + "\";error_category=\"invalid_token\"",
			"Content-Type": "text/" + secret, "WWW-Authenticate": `Bearer error="invalid_token", error_description="` + secret + `"`,
		}
	}
	if f.Do == "redirect" {
		f.Location = "https://elsewhere.example.test/" + secret + "?token=" + secret
	}
	return f
}

// latest returns the secret that was issued last and begins, or does not begin,
// as access tokens do.
func (f *fake) latest(access bool) string {
	secrets := f.SignIn().Secrets()
	for i := len(secrets) - 1; i >= 0; i-- {
		if strings.HasPrefix(secrets[i], "eyJ") == access {
			return secrets[i]
		}
	}
	return ""
}

// formats are flags for what is printed, taken by turns.
func formats(i int) []string {
	return [][]string{
		{"-o", "json", "--log-format", "text"}, {"-o", "text", "--log-format", "json"},
	}[i%2]
}

// either waits until a line of standard output has some text, or the run is
// over.
func (c *called) either(t *testing.T, text string) {
	t.Helper()
	end := time.After(patient)
	for {
		c.stdout.mu.Lock()
		found, more := strings.Contains(c.stdout.text.String(), text), c.stdout.more
		c.stdout.mu.Unlock()
		if found {
			return
		}
		select {
		case <-more:
		case <-c.done:
			return
		case <-end:
			t.Fatalf("%q was not printed; stderr:\n%s", text, c.stderr)
		}
	}
}

// over stops a run, if it has not ended by itself, and returns what it printed.
func (c *called) over(t *testing.T) map[string][]byte {
	t.Helper()
	c.stop()
	select {
	case <-c.done:
	case <-time.After(patient):
		t.Fatalf("the program goes on; stderr:\n%s", c.stderr)
	}
	return map[string][]byte{"standard output": []byte(c.stdout.String()), "standard error": []byte(c.stderr.String())}
}

// endsStream are the faults after which a stream is opened anew.
var endsStream = map[string]bool{
	"cut": true, "cutMidElement": true, "cutAtByte": true, "noFinalChunk": true, "unclosed": true, "earlyEnd": true, "reset": true,
	"inStreamError": true, "missingValue": true, "doubleBrace": true,
}

// huntWatch is for faults of the API: a watch of somebody who is signed in, and
// one with a token that the service says back. Each has a service of its own: a
// fault could strike the stream of one that has left, too.
func huntWatch(t *testing.T, h *hunt, faults []fakeserver.Fault) {
	for i, fault := range faults {
		f := newFake(t, &fakeserver.Options{Control: true, AutoApprove: true})
		environ := append(home(t), "CALWATCH_LOG_LEVEL=debug", "CALWATCH_KEEP_ALIVE=1s")
		login := call(t, environ, append([]string{"login", "--device-code"}, f.application()...)...)
		login.end(t, exitDone)
		f.goThrough(t, h, fault, environ, formats(i)...)
		h.search(t, f, login.over(t))
		h.search(t, f, filesBelow(t, strings.TrimPrefix(environ[0], "HOME=")))

		f = newFake(t, &fakeserver.Options{Control: true})
		file := filepath.Join(t.TempDir(), "token")
		writeFile(t, file, f.Token("me"))
		f.goThrough(t, h, echoing(fault, f.latest(true)), append(environ, "CALWATCH_TOKEN_FILE="+file), formats(i+1)...)
		h.ran(fault)
	}
}

// goThrough has a watch meet a fault, and then a change.
func (f *fake) goThrough(t *testing.T, h *hunt, fault fakeserver.Fault, environ []string, args ...string) {
	f.arm(t, fault)
	c := f.call(t, environ, args...)
	path := "/GetNotifications"
	if fault.On == "subscribe" {
		path = "/subscriptions"
	}
	f.asked(t, path, 1)
	if file, ok := lookupEnv(environ, "CALWATCH_TOKEN_FILE"); ok && fault.Status == 401 { // its file is waited for
		c.stderr.wait(t, "waiting for another one in its file")
		writeFile(t, file, f.Token("me"))
	}
	if fault.Do != "stall" {
		c.either(t, "started")
		f.change(t, fakeserver.Change{ChangeType: "Created", ID: "AAMk-first"})
		f.change(t, fakeserver.Change{ChangeType: "Missed"})
		if endsStream[fault.Do] && fault.On == "stream" {
			c.either(t, "reconnected")
		}
		f.change(t, fakeserver.Change{ChangeType: "Created", ID: "AAMk-last"})
		c.either(t, "Mk-last")
	}
	h.search(t, f, c.over(t))
	h.search(t, f, whatTheFakeTells(t, f))
}

func (f *fake) timesAsked(suffix string) int {
	n := 0
	for _, r := range f.Requests() {
		if strings.HasSuffix(strings.TrimSuffix(r.Path, "?"), suffix) {
			n++
		}
	}
	return n
}

// huntToken is for faults when a token is renewed.
func huntToken(t *testing.T, h *hunt, faults []fakeserver.Fault) {
	f := newFake(t, &fakeserver.Options{Control: true})
	environ := append(home(t), "CALWATCH_LOG_LEVEL=debug", "CALWATCH_KEEP_ALIVE=1s")
	f.login(t, environ, "")
	for i, fault := range faults {
		for round := range 2 {
			if round == 1 { // the refresh token, which it has been sent
				fault = echoing(fault, f.latest(false))
			}
			f.arm(t, fault)
			f.SignIn().ExpireTokens()
			asked := f.timesAsked("/token")
			c := f.call(t, environ, formats(i)...)
			f.asked(t, "/token", asked+1)
			if fault.Do == "stall" {
				f.Disarm()
				f.endpoint.Reset() // else the end of the watch waits for the renewal
			}
			c.either(t, "started")
			h.search(t, f, c.over(t))
			f.Disarm()
		}
		h.ran(fault)
	}
	h.search(t, f, filesBelow(t, strings.TrimPrefix(environ[0], "HOME=")))
	h.search(t, f, whatTheFakeTells(t, f))
}

// huntLogin is for faults when somebody signs in by device code. Each has a
// service of its own: documents are fetched once.
func huntLogin(t *testing.T, h *hunt, faults []fakeserver.Fault) {
	for i, fault := range faults {
		f := newFake(t, &fakeserver.Options{Control: true, AutoApprove: true})
		environ := append(home(t), "CALWATCH_LOG_LEVEL=debug", "CALWATCH_LOG_FORMAT="+formats(i)[3])
		f.arm(t, echoing(fault, f.Token("me")))
		path := map[string]string{"devicecode": "/devicecode", "configuration": "/openid-configuration"}[fault.On]
		c := call(t, environ, append([]string{"login", "--device-code"}, f.application()...)...)
		f.asked(t, path, 1)
		if fault.Do != "stall" {
			select { // it signs in when the fault is over, or gives up
			case <-c.done:
			case <-time.After(patient):
				t.Fatalf("%+v: it goes on; stderr:\n%s", fault, c.stderr)
			}
		}
		h.search(t, f, c.over(t))
		h.search(t, f, whatTheFakeTells(t, f))
		if c.status == exitDone {
			h.search(t, f, filesBelow(t, strings.TrimPrefix(environ[0], "HOME=")))
		}
		h.ran(fault)
	}
}

// huntBrowser is for faults on the page where somebody signs in. The program
// hears of them only what the browser brings.
func huntBrowser(t *testing.T, h *hunt, faults []fakeserver.Fault) {
	f := newFake(t, &fakeserver.Options{Control: true})
	client := f.endpoint.Client("h1")
	defer client.CloseIdleConnections()
	for i, fault := range faults {
		f.arm(t, echoing(fault, f.Token("me")))
		environ := append(home(t), "DISPLAY=", "PATH="+t.TempDir(), "CALWATCH_LOG_LEVEL=debug", "CALWATCH_LOG_FORMAT="+formats(i)[3])
		c := call(t, environ, append([]string{"login", "--browser"}, f.application()...)...)
		address := c.stderr.wait(t, "  https://", "/authorize?")
		if fault.Do == "stall" {
			client.Timeout = 50 * time.Millisecond
		}
		response, err := client.Get(strings.TrimSpace(address))
		if err == nil {
			response.Body.Close()
		}
		client.Timeout = 0
		h.search(t, f, c.over(t))
		h.ran(fault)
	}
	h.search(t, f, whatTheFakeTells(t, f))
}
