package autodiscover

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

func TestADomainsOwnServerIsAskedFirstAndGetsCredentialsWhenItAsksForThem(t *testing.T) {
	w := &world{t: t, servers: map[string]server{"https://autodiscover.contoso.com" + svc: soap(here)}}
	got, err := w.discover(nil, nil, "a@contoso.com", "b@Contoso.com", "a@contoso.com")
	if err != nil || len(got) != 2 || got["a@contoso.com"] != (Result{Settings: contoso}) || got["b@Contoso.com"] != (Result{Settings: contoso}) {
		t.Errorf("%v, %v", got, err)
	}
	w.expect(
		"nobody https://autodiscover.contoso.com"+svc+": a@contoso.com",
		"credentials https://autodiscover.contoso.com"+svc+": a@contoso.com b@Contoso.com",
	)
}

func TestAWebPageGetsNoCredentials(t *testing.T) {
	page := body("<html>welcome</html>")
	w := &world{t: t, open: true, servers: map[string]server{
		"https://contoso.com" + svc: page, "https://contoso.com" + xmlP: page, "https://contoso.com" + v1 + "a@contoso.com": page,
	}}
	got, err := w.discover(nil, nil, "a@contoso.com")
	if err != nil || !errors.Is(got["a@contoso.com"].Err, errUnreachable) {
		t.Errorf("%v, %v", got, err)
	}
	w.expect(
		"nobody https://autodiscover.contoso.com"+svc+": a@contoso.com",
		"nobody https://contoso.com"+svc+": a@contoso.com",
		"nobody https://contoso.com"+xmlP+": a@contoso.com",
		"nobody https://contoso.com"+v1+"a@contoso.com?Protocol=EWS: a@contoso.com",
	)
}

func TestAServerIsTriedWithoutCredentialsOnce(t *testing.T) {
	w := &world{t: t, servers: map[string]server{"https://autodiscover.contoso.com" + svc: soap(here)}}
	addresses := make([]string, maxBatch+1)
	for i := range addresses {
		addresses[i] = fmt.Sprintf("u%d@contoso.com", i)
	}
	if _, err := w.discover(nil, nil, addresses...); err != nil {
		t.Fatal(err)
	}
	if len(w.asked) != 3 || !strings.HasPrefix(w.asked[0], "nobody") || !strings.HasPrefix(w.asked[1], "credentials") || !strings.HasPrefix(w.asked[2], "credentials") {
		t.Errorf("asked %s", strings.Join(w.asked, "\n"))
	}
}

func TestABatchHasAHundredMailboxes(t *testing.T) {
	var sizes []int
	w := &world{t: t, servers: map[string]server{"https://mail.test" + svc: func(m []string) (Answer, error) {
		sizes = append(sizes, len(m))
		return soap(here)(m)
	}}}
	addresses := make([]string, 250)
	for i := range addresses {
		addresses[i] = fmt.Sprintf("u%d@contoso.com", i)
	}
	got, err := w.discover([]string{"https://mail.test"}, nil, addresses...)
	if err != nil || len(got) != 250 || fmt.Sprint(sizes) != "[100 100 50]" {
		t.Errorf("%d results of %v: %v", len(got), sizes, err)
	}
	for address, r := range got {
		if r != (Result{Settings: contoso}) {
			t.Errorf("%s: %v", address, r)
		}
	}
}

func TestEachMailboxHasItsOwnError(t *testing.T) {
	w := &world{t: t, servers: map[string]server{"https://mail.test" + svc: soap(func(m string) string {
		switch m {
		case "no@contoso.com":
			return userError("InvalidUser", "")
		case "nowhere@contoso.com":
			return settings(grouping, "G")
		case "plain@contoso.com":
			return settings(externalURL, "http://mail.contoso.com/EWS/Exchange.asmx")
		case "odd@contoso.com":
			return userError("RedirectUrl", "")
		}
		return here(m)
	})}}
	got, err := w.discover([]string{"https://mail.test"}, nil, "no@contoso.com", "yes@contoso.com", "nowhere@contoso.com", "plain@contoso.com", "odd@contoso.com")
	if err != nil {
		t.Fatal(err)
	}
	said, ok := errors.AsType[*Failure](got["no@contoso.com"].Err)
	if !ok || *said != (Failure{Address: "no@contoso.com", Code: "InvalidUser", Message: "said so"}) {
		t.Errorf("%v", got["no@contoso.com"])
	}
	if got["yes@contoso.com"] != (Result{Settings: contoso}) {
		t.Errorf("%v", got["yes@contoso.com"])
	}
	for address, word := range map[string]string{"nowhere@contoso.com": "published", "plain@contoso.com": "https only", "odd@contoso.com": "without a target"} {
		if r := got[address]; r.Err == nil || !strings.Contains(r.Err.Error(), word) {
			t.Errorf("%s: %v", address, r)
		}
	}
}

func TestWhatIsNoAddressLeadsNowhere(t *testing.T) {
	w := &world{t: t}
	got, err := w.discover(nil, nil, "none", "a@b/c")
	if err != nil || got["none"].Err == nil || got["a@b/c"].Err == nil || len(w.asked) != 0 {
		t.Errorf("%v, %v; asked %v", got, err, w.asked)
	}
}

func TestRedirectsAreFollowed(t *testing.T) {
	for name, servers := range map[string]map[string]server{
		"to an address": {
			"https://mail.test" + svc: soap(func(m string) string {
				if m == "a@contoso.com" {
					return userError("RedirectAddress", "a@eu.contoso.com")
				}
				return here(m)
			}),
		},
		"to a URL": {
			"https://mail.test" + svc:      soap(func(string) string { return userError("RedirectUrl", "https://eu.contoso.com/x.svc") }),
			"https://eu.contoso.com/x.svc": soap(here),
		},
		"by HTTP": {
			"https://mail.test" + svc:                  redirect("https://autodiscover-s.outlook.com" + svc),
			"https://autodiscover-s.outlook.com" + svc: soap(here),
		},
		"by HTTP, on the same server": {
			"https://mail.test" + svc:         redirect("/elsewhere.svc"),
			"https://mail.test/elsewhere.svc": soap(here),
		},
		"to Exchange Online's address": {
			"https://mail.test" + svc:             soap(func(string) string { return userError("RedirectAddress", "a@contoso.mail.onmicrosoft.com") }),
			"https://outlook.office365.com" + svc: soap(here),
		},
		"by XML": {
			"https://mail.test" + xmlP:      body(`<Autodiscover><Response><Account><Action>redirectUrl</Action><RedirectUrl>https://eu.contoso.com/autodiscover/autodiscover.xml</RedirectUrl></Account></Response></Autodiscover>`),
			"https://eu.contoso.com" + xmlP: body(pox("https://mail.contoso.com/EWS/Exchange.asmx", "CONTOSO-1")),
			"https://mail.test" + svc:       status(404),
		},
	} {
		w := &world{t: t, servers: servers}
		got, err := w.discover([]string{"https://mail.test"}, nil, "a@contoso.com")
		if err != nil || got["a@contoso.com"].URL != contoso.URL || got["a@contoso.com"].Grouping != contoso.Grouping {
			t.Errorf("%s: %v, %v; asked %s", name, got, err, strings.Join(w.asked, "\n"))
		}
	}
}

func TestARedirectToAnotherDomainGetsNothing(t *testing.T) {
	for name, first := range map[string]server{
		"by HTTP":                redirect("https://evil.test" + svc),
		"to a URL":               soap(func(string) string { return userError("RedirectUrl", "https://evil.test"+svc) }),
		"to plain HTTP":          redirect("http://mail.test" + svc),
		"to what looks the same": redirect("https://evilcontoso.com" + svc),
		"with a user":            redirect("https://mail.test@evil.test" + svc),
		"with a user, to itself": redirect("https://user:secret@mail.test" + svc),
	} {
		w := &world{t: t, servers: map[string]server{"https://mail.test" + svc: first}}
		got, err := w.discover([]string{"https://mail.test"}, nil, "a@contoso.com")
		if err != nil || got["a@contoso.com"].Err == nil || len(w.asked) != 1 {
			t.Errorf("%s: %v, %v; asked %s", name, got, err, strings.Join(w.asked, "\n"))
		}
	}
	w := &world{t: t, servers: map[string]server{
		"https://autodiscover.contoso.com" + svc: soap(func(string) string { return userError("RedirectAddress", "a@fabrikam.test") }),
	}}
	got, err := w.discover(nil, nil, "a@contoso.com")
	if err != nil || !errors.Is(got["a@contoso.com"].Err, ErrNotAllowed) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestTheCallerMayAllowAnotherDomain(t *testing.T) {
	w := &world{t: t, servers: map[string]server{
		"https://mail.test" + svc:   redirect("https://hoster.test" + svc),
		"https://hoster.test" + svc: soap(here),
	}}
	var about string
	got, err := w.discover([]string{"https://mail.test"}, func(address string, to *url.URL) bool {
		about = address + " " + to.String()
		return true
	}, "a@contoso.com")
	if err != nil || got["a@contoso.com"].Err != nil || about != "a@contoso.com https://hoster.test"+svc {
		t.Errorf("%v, %v, asked about %q", got, err, about)
	}
	// Not even the caller can allow what everybody can read.
	w.servers["https://mail.test"+svc] = redirect("http://hoster.test" + svc)
	got, err = w.discover([]string{"https://mail.test"}, func(string, *url.URL) bool { return true }, "a@contoso.com")
	if err != nil || got["a@contoso.com"].Err == nil {
		t.Errorf("%v, %v", got, err)
	}
}

func TestRedirectsInACircleEnd(t *testing.T) {
	for name, first := range map[string]server{
		"by HTTP":       redirect(svc),
		"to a URL":      soap(func(string) string { return userError("RedirectUrl", "https://mail.test"+svc) }),
		"to an address": soap(func(m string) string { return userError("RedirectAddress", "x"+m) }),
	} {
		w := &world{t: t, servers: map[string]server{"https://mail.test" + svc: first}}
		got, err := w.discover([]string{"https://mail.test"}, nil, "a@contoso.com")
		if err != nil || !errors.Is(got["a@contoso.com"].Err, outlookstream.ErrMalformed) || len(w.asked) != maxHops+1 {
			t.Errorf("%s: %v, %v after %d requests", name, got, err, len(w.asked))
		}
	}
}

func TestWhereSOAPIsOffTheOtherFormsAreAsked(t *testing.T) {
	w := &world{t: t, servers: map[string]server{
		"https://mail.test" + svc:  status(404),
		"https://mail.test" + xmlP: body(pox("https://mail.contoso.com/EWS/Exchange.asmx", "CONTOSO-1")),
	}}
	got, err := w.discover([]string{"https://mail.test"}, nil, "a@contoso.com", "b@contoso.com")
	want := Result{Settings: Settings{URL: contoso.URL, Grouping: "CONTOSO-1"}}
	if err != nil || got["a@contoso.com"] != want || got["b@contoso.com"] != want {
		t.Errorf("XML: %v, %v", got, err)
	}
	w.servers["https://mail.test"+xmlP] = body("<html/>")
	w.servers["https://mail.test"+v1+"a@contoso.com"] = body(`{"Protocol":"EWS","Url":"https://mail.contoso.com/EWS/Exchange.asmx"}`)
	w.asked = nil
	got, err = w.discover([]string{"https://mail.test"}, nil, "a@contoso.com")
	if want := (Result{Settings: Settings{URL: contoso.URL}}); err != nil || got["a@contoso.com"] != want {
		t.Errorf("JSON: %v, %v", got, err)
	}
	w.expect(
		"credentials https://mail.test"+svc+": a@contoso.com",
		"credentials https://mail.test"+xmlP+": a@contoso.com",
		"nobody https://mail.test"+v1+"a@contoso.com?Protocol=EWS: a@contoso.com",
	)
}

func TestAServerThatDoesNotAnswerIsAskedOnce(t *testing.T) {
	w := &world{t: t, servers: map[string]server{"https://second.test" + svc: soap(here)}}
	got, err := w.discover([]string{"https://first.test", "https://second.test"}, nil, "a@contoso.com")
	if err != nil || got["a@contoso.com"] != (Result{Settings: contoso}) {
		t.Errorf("%v, %v", got, err)
	}
	w.expect("credentials https://first.test"+svc+": a@contoso.com", "credentials https://second.test"+svc+": a@contoso.com")
}

// One that may have been the right one, had it answered, is what an error is about.
func TestWhenNobodyKnowsTheErrorNamesAllAndIsAboutTheMostHopeful(t *testing.T) {
	w := &world{t: t, servers: map[string]server{"https://first.test" + svc: status(404)}}
	got, err := w.discover([]string{"https://first.test", "https://second.test"}, nil, "a@contoso.com")
	said := got["a@contoso.com"].Err
	if err != nil || !errors.Is(said, errUnreachable) || !strings.Contains(said.Error(), "404") || !strings.Contains(said.Error(), "https://second.test"+svc) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestRefusedCredentialsAreNotTriedElsewhere(t *testing.T) {
	for _, refusal := range []error{httpError{401, outlookstream.ErrUnauthorized}, auth.ErrRejected, &auth.InteractionError{}} {
		w := &world{t: t, servers: map[string]server{"https://first.test" + svc: func([]string) (Answer, error) { return Answer{Status: 401}, refusal }}}
		_, err := w.discover([]string{"https://first.test", "https://second.test"}, nil, "a@contoso.com")
		if !errors.Is(err, refusal) || len(w.asked) != 1 {
			t.Errorf("%v; asked %v", err, w.asked)
		}
	}
}

func TestWhoIsBusyIsNotAskedInAnotherWay(t *testing.T) {
	for _, busy := range []server{
		status(503),
		func([]string) (Answer, error) { return Answer{Status: 429}, httpError{429, outlookstream.ErrThrottled} },
		soap(func(string) string { return userError("ServerBusy", "") }),
	} {
		w := &world{t: t, servers: map[string]server{"https://mail.test" + svc: busy}}
		got, err := w.discover([]string{"https://mail.test"}, nil, "a@contoso.com")
		if err != nil || got["a@contoso.com"].Err == nil || len(w.asked) != 1 {
			t.Errorf("%v, %v; asked %v", got, err, w.asked)
		}
	}
}

func TestAnAnswerAboutOthersIsNone(t *testing.T) {
	w := &world{t: t, servers: map[string]server{"https://mail.test" + svc: func(m []string) (Answer, error) { return soap(here)(m[1:]) }}}
	got, err := w.discover([]string{"https://mail.test"}, nil, "a@contoso.com", "b@contoso.com")
	if err != nil || got["a@contoso.com"].Err == nil || got["b@contoso.com"].Err == nil {
		t.Errorf("%v, %v", got, err)
	}
}
