package fakeserver

import (
	"strings"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver/autodiscover"
	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
	"github.com/calwatch/calwatch/internal/fakeserver/httpauth"
)

// Of each call that it reaches what it is meant to: what that does is tested with the thing itself.
func TestControlReachesTheExchangeHalf(t *testing.T) {
	withControl(t, func(t *testing.T, f *fixture) {
		post := func(call, body string) { t.Helper(); f.control("POST", "ews/"+call, body, nil) }
		subscribe := func(status int, piece string) {
			t.Helper()
			if a := f.ews(f.http, withToken(f.token)); a.StatusCode != status || !strings.Contains(a.body, piece) {
				t.Errorf("status %d, want %d and %q: %s", a.StatusCode, status, piece, a.body)
			}
		}
		const home, second = "am0pr01mb0042.fake.test", "am0pr01mb0043.fake.test"

		subscribe(200, "NoError")
		post("access", `{"disabled":true}`)
		subscribe(403, "")
		post("access", ``)
		post("deny", `{"code":2000004,"times":-1}`)
		subscribe(401, "")
		post("undeny", ``)
		post("mailbox", `{"mailbox":"alex@contoso.test","code":"ErrorInvalidLicense"}`)
		subscribe(200, "ErrorInvalidLicense")
		post("mailbox", `{"mailbox":"alex@contoso.test","code":""}`)
		post("throttle", `{"mailbox":"alex@contoso.test","shape":"fault","backOff":"90s"}`)
		subscribe(500, ">90000<")
		subscribe(500, "ErrorServerBusy")
		var early []exchange.Early
		f.control("GET", "ews/early", nil, &early)
		if len(early) != 1 || early[0].Mailbox != "alex@contoso.test" {
			t.Errorf("early: %+v", early)
		}
		post("unthrottle", ``)
		post("limits", `{"subscriptions":1}`)
		subscribe(200, "ErrorExceededSubscriptionCount")
		post("limits", ``)
		post("schemes", `{"schemes":["NTLM"]}`)
		subscribe(401, "")
		post("schemes", ``)
		subscribe(200, "NoError")

		post("backend", `{"do":"set","name":"`+second+`","grouping":"AM0PR01"}`)
		post("move", `{"mailbox":"alex@contoso.test","backEnd":"`+second+`","failOver":true}`)
		post("move", `{"mailbox":"room1@contoso.test","backEnd":"`+second+`","during":"1m"}`)
		post("backend", `{"do":"kill","name":"`+home+`"}`)
		var backEnds []exchange.BackEndState
		f.control("GET", "ews/backends", nil, &backEnds)
		if len(backEnds) != 2 || !backEnds[0].Dead || backEnds[0].Subscriptions != 0 || backEnds[1].Mailboxes != 2 {
			t.Errorf("back-ends: %+v", backEnds)
		}
		post("backend", `{"do":"revive","name":"`+home+`"}`)
		subscribe(200, "NoError")
		var subs []exchange.Subscription
		f.control("GET", "ews/subscriptions", nil, &subs)
		if len(subs) != 1 || subs[0].BackEnd != second {
			t.Errorf("subscriptions: %+v", subs)
		}
		post("affinity", `{"lostIsFault":true}`)
		post("server", `{"version":"Exchange2010"}`)
		subscribe(500, "ErrorInvalidServerVersion")
		post("server", `{"version":"V2017_07_11","streamless":"ErrorSchemaValidation"}`)
		subscribe(500, "ErrorSchemaValidation")
		post("server", `{"streamless":""}`)
		subscribe(200, "NoError")

		post("impersonation", `{"account":"alex@contoso.test","mailboxes":["*"]}`)
		post("impersonation", `{"limited":false}`)
		post("fullaccess", `{"account":"alex@contoso.test","mailboxes":["room1@contoso.test"]}`)
		post("account", `{"user":"svc@contoso.test","password":"secret"}`)
		var accounts []httpauth.AccountState
		f.control("GET", "ews/accounts", nil, &accounts)
		if len(accounts) != 3 || accounts[2].User != "svc@contoso.test" || accounts[2].Logon != `CONTOSO\svc` {
			t.Errorf("accounts: %+v", accounts)
		}
		post("discover", `{"address":"old@contoso.test","redirectAddress":"alex@contoso.test"}`)
		f.call("GET", "/autodiscover/autodiscover.json?Protocol=EWS&Email=old@contoso.test", nil)
		post("forms", `{"forms":["soap"]}`)
		if a := f.call("GET", "/autodiscover/autodiscover.json?Protocol=EWS&Email=alex@contoso.test", nil); a.StatusCode != 404 {
			t.Errorf("a form that is off: status %d", a.StatusCode)
		}
		var questions []autodiscover.Question
		f.control("GET", "ews/questions", nil, &questions)
		if len(questions) == 0 || questions[0].Address != "old@contoso.test" {
			t.Errorf("questions: %+v", questions)
		}
	})
}

func TestControlRefusesWhatMakesNoSenseToExchange(t *testing.T) {
	withControl(t, func(t *testing.T, f *fixture) {
		for call, body := range map[string]string{
			"ews/backend":       `{"do":"bury","name":"x"}`,
			"ews/move":          `{"mailbox":"alex@contoso.test","backEnd":"nowhere"}`,
			"ews/throttle":      `{"shape":"fault","backOff":"soon"}`,
			"ews/impersonation": `{}`,
			"ews/server":        `{"version":"Exchange5.5"}`,
			"ews/deny":          `{"code":1}`,
			"ews/limits":        `{"streems":1}`,
		} {
			f.wantError(f.call("POST", "/_fake/"+call, body), 400, "ControlRefused", "")
		}
	})
}
