package fakeserver

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func withControl(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	inMemory(t, "h2", &Options{Control: true}, test)
}

// control makes a call and decodes its answer, which must be a success.
func (f *fixture) control(method, call string, body any, into any) {
	f.t.Helper()
	a := f.call(method, "/_fake/"+call, body)
	if a.StatusCode != http.StatusOK || !strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") {
		f.t.Fatalf("%s: status %d: %s", call, a.StatusCode, a.body)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal([]byte(a.body), into); err != nil {
		f.t.Fatalf("%s: %v: %s", call, err, a.body)
	}
}

func TestControlIsOffUnlessAskedFor(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		f.wantError(f.call("GET", "/_fake/ledger", nil), 404, "ControlOff", "off")
		f.wantError(f.call("GET", "/_fake", nil), 404, "ControlOff", "off")
	})
}

func TestControlMakesChangesAndShowsTheLedger(t *testing.T) {
	withControl(t, func(t *testing.T, f *fixture) {
		id := f.subscribe("me/events?$select=Subject")
		r := f.listen(id)
		var made, ledger []Entry
		f.control("POST", "changes", `{"resource":"me/events","change":"Created","data":{"Subject":"lunch"},"count":2}`, &made)
		f.control("POST", "changes", `{"user":"room1@contoso.test","resource":"me/events","change":"Missed"}`, nil)
		f.control("GET", "ledger", nil, &ledger)
		if len(made) != 2 || made[1].Seq != 2 || made[0].Subscriptions[0] != id || len(ledger) != 3 || ledger[2].User != "room1@contoso.test" {
			t.Errorf("made %+v, the ledger is %+v", made, ledger)
		}
		if got := r.now(); strings.Count(got, `"Subject":"lunch"`) != 2 {
			t.Errorf("the stream got %s", got)
		}
		var subs []Subscription
		f.control("GET", "subscriptions", nil, &subs)
		if len(subs) != 1 || subs[0].ID != id || !subs[0].Listening || subs[0].Sequence != 2 {
			t.Errorf("subscriptions %+v", subs)
		}
		var log []Request
		f.control("GET", "requests", nil, &log)
		if len(log) != 2 || log[0].Token != Fingerprint(f.token) {
			t.Errorf("requests %+v", log)
		}
	})
}

func TestControlArmsAndDisarms(t *testing.T) {
	withControl(t, func(t *testing.T, f *fixture) {
		f.control("POST", "faults", `{"on":"subscribe","do":"status","status":503,"retryAfter":"7","times":-1,"headers":{"X-A":"b"},"user":"me"}`, nil)
		a := f.call("POST", "/api/beta/me/subscriptions", subscribeBody("me/events", "Created"))
		if a.StatusCode != 503 || a.Header.Get("Retry-After") != "7" || a.Header.Get("X-A") != "b" {
			t.Errorf("status %d, %v", a.StatusCode, a.Header)
		}
		f.control("POST", "disarm", nil, nil)
		id := f.subscribe("me/events")
		f.control("POST", "faults", `{"on":"listen","do":"slow","delay":"1.5s"}`, nil)
		start := time.Now()
		f.listen(id)
		if took := time.Since(start); took != 1500*time.Millisecond {
			t.Errorf("it took %v", took)
		}
	})
}

func TestControlExpires(t *testing.T) {
	withControl(t, func(t *testing.T, f *fixture) {
		var answer struct{ Expired int }
		a, _, _ := f.subscribe("me/events"), f.subscribe("me/events"), f.subscribe("me/tasks")
		f.control("POST", "expire", map[string]string{"subscription": a}, &answer)
		if answer.Expired != 1 {
			t.Errorf("%d expired, want 1", answer.Expired)
		}
		f.control("POST", "expire", `{"subscription":"all"}`, &answer)
		if answer.Expired != 2 {
			t.Errorf("%d expired, want 2", answer.Expired)
		}
		other := f.s.Token("room1@contoso.test")
		f.control("POST", "expire", map[string]string{"token": Fingerprint(f.token)}, &answer)
		_, reason, ok := f.s.SignIn().Check(other)
		if answer.Expired != 1 || !ok {
			t.Errorf("%d expired; the other token: %q", answer.Expired, reason)
		}
		if _, _, ok := f.s.SignIn().Check(f.token); ok {
			t.Error("the token is still good")
		}
		f.control("POST", "expire", `{"token":"all"}`, &answer)
		if answer.Expired != 1 {
			t.Errorf("%d expired, want 1: the first one had already", answer.Expired)
		}
		if _, _, ok := f.s.SignIn().Check(other); ok {
			t.Error("the other token is still good")
		}
	})
}

func TestControlAnswersDeviceCodes(t *testing.T) {
	withControl(t, func(t *testing.T, f *fixture) {
		start := func() (device, user string) {
			r := f.request(t.Context(), "POST", "/common/oauth2/v2.0/devicecode",
				url.Values{"client_id": {f.s.SignIn().ClientID()}, "scope": {"https://outlook.office.com/calendars.read"}}.Encode())
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			var code struct {
				Device string `json:"device_code"`
				User   string `json:"user_code"`
			}
			if a := f.do(r); json.Unmarshal([]byte(a.body), &code) != nil || code.User == "" {
				t.Fatalf("no device code: status %d", a.StatusCode)
			}
			return code.Device, code.User
		}
		poll := func(device string) answer {
			r := f.request(t.Context(), "POST", "/common/oauth2/v2.0/token", url.Values{"client_id": {f.s.SignIn().ClientID()},
				"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {device}}.Encode())
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			return f.do(r)
		}
		device, user := start()
		f.control("POST", "approve", map[string]string{"user_code": user, "user": "room1@contoso.test"}, nil)
		var token struct {
			Access string `json:"access_token"`
		}
		if a := poll(device); json.Unmarshal([]byte(a.body), &token) != nil || token.Access == "" {
			t.Fatalf("no token: status %d", a.StatusCode)
		}
		if who, _, _ := f.s.SignIn().Check(token.Access); who != "room1@contoso.test" {
			t.Errorf("the token is for %q", who)
		}
		f.token = token.Access
		f.subscribe("me/events")

		device, user = start()
		f.control("POST", "deny", map[string]string{"user_code": user}, nil)
		if a := poll(device); a.StatusCode != 400 || !strings.Contains(a.body, "declined") {
			t.Errorf("after deny: status %d, %s", a.StatusCode, a.body)
		}
	})
}

func TestControlIsStrict(t *testing.T) {
	withControl(t, func(t *testing.T, f *fixture) {
		for _, c := range []struct{ call, body, text string }{
			{"changes", `{"resource":"me/events","change":"Created","counts":2}`, "counts"},
			{"changes", `{"resource":"me/events","change":"Created"} {}`, "follows"},
			{"changes", `{"resource":"me/events"}`, "not one of Created"},
			{"changes", ``, "body"},
			{"faults", `{"on":"stream","do":"explode"}`, "cutMidElement"},
			{"faults", `{"on":"listen","do":"slow","delay":"soon"}`, "duration"},
			{"faults", `{"on":"listen","do":"slow","delay":5}`, "delay"},
			{"disarm", `{"x":1}`, "x"},
			{"expire", `{}`, "subscription"},
			{"expire", `{"subscription":"all","token":"all"}`, "either"},
			{"approve", `{"user_code":"NOPE"}`, ""},
			{"approve", `{"user_code":"NOPE","user":"nobody@contoso.test"}`, "nobody"},
			{"deny", `{"user_code":"NOPE"}`, ""},
			{"revoke", `{"user":"nobody@contoso.test"}`, "nobody"},
			{"revoke", `{"users":"me"}`, "users"},
			{"claims", `{"claims":"{}","user":"nobody@contoso.test"}`, "nobody"},
			{"claims", `{}`, "JSON object"},
			{"claims", `{"claims":"x"}`, "JSON object"},
			{"claims", `{"claims":"null"}`, "JSON object"},
			{"claims", `{"claims":{}}`, "claims"},
			{"reject", `{}`, "50076"},
			{"reject", `{"code":50076,"on":"stream"}`, "refresh_token"},
			{"reject", `{"code":50076,"user":"nobody@contoso.test"}`, "nobody"},
			{"reject", `{"code":50076,"time":1}`, "time"},
			{"lift", `{"user":"nobody@contoso.test"}`, "nobody"},
			{"lift", `{"code":50076}`, "code"},
			{"credentials", `{"do":"add"}`, "either"},
			{"credentials", `{"do":"add","secret":"x","certificate":"y"}`, "either"},
			{"credentials", `{"do":"show","secret":"x"}`, "expire"},
			{"credentials", `{"do":"expire","certificate":"y"}`, "expire"},
			{"credentials", `{"do":"remove","secret":"x"}`, "no such"},
			{"credentials", `{"do":"add","certificate":"y"}`, "PEM"},
			{"credentials", `{"do":"add","certificate":"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}`, "malformed"},
		} {
			f.named(c.call+" "+c.body).wantError(f.call("POST", "/_fake/"+c.call, c.body), 400, "ControlRefused", c.text)
		}
		for _, path := range []string{"/_fake/nothing", "/_fake/", "/_fake", "/_fake/changes/"} {
			f.named(path).wantError(f.call("POST", path, "{}"), 404, "ControlUnknown", "POST /_fake/changes, POST /_fake/faults")
		}
		a := f.call("GET", "/_fake/changes", nil)
		f.wantError(a, 405, "ControlMethod", "POST")
		if a.Header.Get("Allow") != "POST" {
			t.Errorf("Allow %q", a.Header.Get("Allow"))
		}
		if n := len(f.s.Ledger()); n != 0 {
			t.Errorf("%d changes were made", n)
		}
	})
}

func TestControlIsNotForBrowsers(t *testing.T) {
	withControl(t, func(t *testing.T, f *fixture) {
		r := f.request(t.Context(), "POST", "/_fake/changes", `{"resource":"me/events","change":"Created"}`)
		r.Header.Set("Origin", "https://evil.example")
		f.wantError(f.do(r), 403, "ControlForbidden", "browsers")
	})
	s := New(&Options{Control: true})
	defer s.Close()
	e, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]int{"127.0.0.1": 200, "localhost": 200, "[::1]": 200, "evil.example": 403, "127.0.0.1.evil.example": 403} {
		for _, port := range []string{"", ":8443"} {
			r, err := http.NewRequestWithContext(t.Context(), "GET", e.URL+"/_fake/ledger", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = host + port
			resp, err := e.Client("h1").Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("Host %s: status %d, want %d", r.Host, resp.StatusCode, want)
			}
		}
	}
}
