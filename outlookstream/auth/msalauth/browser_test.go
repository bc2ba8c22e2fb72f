package msalauth_test

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

var (
	formAction = regexp.MustCompile(`<form[^>]* action="([^"]*)"`)
	formInput  = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
)

// visit does what a browser does with an address of the authority: it returns the form that the authority wants to be posted.
func (w *world) visit(address string) (action string, form url.Values) {
	w.t.Helper()
	r := httptest.NewRequest("GET", address, nil)
	rec := httptest.NewRecorder()
	w.server.ServeHTTP(rec, r)
	page := rec.Body.String()
	m := formAction.FindStringSubmatch(page)
	if rec.Code != http.StatusOK || m == nil {
		w.t.Errorf("the authority has no form to post, status %d", rec.Code)
		return "", nil
	}
	form = url.Values{}
	for _, input := range formInput.FindAllStringSubmatch(page, -1) {
		form.Set(html.UnescapeString(input[1]), html.UnescapeString(input[2]))
	}
	return html.UnescapeString(m[1]), form
}

// post posts a form, and returns the status and the page.
func post(t *testing.T, action string, form url.Values) (int, string) {
	t.Helper()
	resp, err := http.PostForm(action, form)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return resp.StatusCode, string(body)
}

// browse is an open function that goes all the way at once.
func (w *world) browse(_ context.Context, address string) error {
	action, form := w.visit(address)
	if status, page := post(w.t, action, form); status != http.StatusOK || strings.Contains(page, form.Get("code")) && form.Get("code") != "" {
		w.t.Errorf("status %d, page %q", status, page)
	}
	return nil
}

func TestSignInWithABrowser(t *testing.T) {
	w := newWorld(t, &signin.Options{Accounts: []signin.Account{{User: "alex@contoso.test"}, {User: "kim@contoso.test", Name: "Kim"}}})
	var address *url.URL
	account, err := w.SignInBrowser(t.Context(), mail, &msalauth.BrowserOptions{Username: "kim@contoso.test"}, func(ctx context.Context, a string) error {
		var err error
		if address, err = url.Parse(a); err != nil {
			t.Error(err)
		}
		return w.browse(ctx, a)
	})
	if err != nil || account.Username != "kim@contoso.test" || account.ID == "" {
		t.Fatalf("%+v, %v", account, w.saw(err))
	}
	q := address.Query()
	for name, want := range map[string]string{
		"response_mode": "form_post", "response_type": "code", "code_challenge_method": "S256", "login_hint": "kim@contoso.test", "prompt": "",
		"scope": mail[0] + " openid offline_access profile", "client_id": w.server.ClientID(),
	} {
		if q.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, q.Get(name), want)
		}
	}
	if redirect, err := url.Parse(q.Get("redirect_uri")); err != nil || redirect.Hostname() != "localhost" || redirect.Scheme != "http" || redirect.Path != "" {
		t.Errorf("redirect %q", q.Get("redirect_uri"))
	}
	if len(q.Get("state")) < 32 || len(q.Get("code_challenge")) != 43 {
		t.Errorf("state %q, challenge %q", q.Get("state"), q.Get("code_challenge"))
	}
	token := w.token(auth.Request{})
	if user, _, _ := w.server.Check(token.Value); user != "kim@contoso.test" {
		t.Errorf("the token is %q's", user)
	}
	if next := w.token(auth.Request{Rejected: token.Value}); next.Value == token.Value || !w.accepted(next) {
		t.Error("the sign-in does not renew")
	}
	if _, err := http.Get(q.Get("redirect_uri")); err == nil {
		t.Error("the port is still open")
	}
}

func TestWhoIsToChooseIsAsked(t *testing.T) {
	w := newWorld(t, nil)
	seen := errors.New("seen")
	_, err := w.SignInBrowser(t.Context(), mail, nil, func(_ context.Context, address string) error {
		if u, err := url.Parse(address); err != nil || u.Query().Get("prompt") != "select_account" || u.Query().Has("login_hint") {
			t.Errorf("asked for %s", address)
		}
		return seen
	})
	if !errors.Is(err, seen) {
		t.Errorf("an error of open is not returned: %v", w.saw(err))
	}
}

func TestStrangersAtThePortChangeNothing(t *testing.T) {
	w := newWorld(t, nil)
	_, err := w.SignInBrowser(t.Context(), mail, nil, func(_ context.Context, address string) error {
		action, form := w.visit(address)
		other := func(change func(url.Values)) url.Values {
			f := url.Values{}
			maps.Copy(f, form)
			change(f)
			return f
		}
		for name, f := range map[string]url.Values{
			"no state":        other(func(f url.Values) { f.Del("state") }),
			"other state":     other(func(f url.Values) { f.Set("state", "guess") }),
			"error, no state": {"error": {"access_denied"}},
			"nothing":         other(func(f url.Values) { f.Del("code") }),
			"too large":       other(func(f url.Values) { f.Set("x", strings.Repeat("x", 70_000)) }),
		} {
			if status, _ := post(t, action, f); status != http.StatusBadRequest {
				t.Errorf("%s: status %d", name, status)
			}
		}
		if status, _ := post(t, action+"/elsewhere", form); status != http.StatusBadRequest {
			t.Errorf("another path: status %d", status)
		}
		if status, _ := post(t, strings.Replace(action, "localhost", "127.0.0.1", 1), form); status != http.StatusMisdirectedRequest {
			t.Errorf("another name for this machine: status %d", status)
		}
		resp, err := http.Get(action + "?" + form.Encode())
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("GET: status %d", resp.StatusCode)
		}
		return w.browse(t.Context(), address)
	})
	if err != nil {
		t.Fatal(w.saw(err))
	}
	if !w.accepted(w.token(auth.Request{})) {
		t.Error("not signed in")
	}
}

func TestTheAuthoritysRefusalInTheBrowser(t *testing.T) {
	for _, test := range []struct {
		form url.Values
		kind string
		text []string
	}{
		{url.Values{"error": {"access_denied"}, "error_description": {"the user canceled the authentication"}}, interaction, []string{"declined", "access_denied"}},
		{url.Values{"error": {"access_denied"}, "error_description": {"AADSTS65004: User declined to consent to access the app."}}, interaction, []string{"declined", "AADSTS65004"}},
		{url.Values{"error": {"invalid_request"}, "error_description": {"AADSTS50011: The redirect URI ..."}}, misconfigured, []string{"AADSTS50011", "http://localhost"}},
		{url.Values{"error": {"interaction_required"}, "error_subcode": {"message_only"}, "error_description": {"AADSTS53003: Access has been blocked"}}, interaction, []string{"AADSTS53003", "message_only", "Conditional Access"}},
		{url.Values{"error": {"server_error"}}, transient, []string{"overloaded or failing"}},
		{url.Values{"error": {"<b>&\x1b[2J"}, "error_description": {"<script>alert(1)</script>"}}, misconfigured, []string{"refused the request"}},
	} {
		w := newWorld(t, nil)
		_, err := w.SignInBrowser(t.Context(), mail, nil, func(_ context.Context, address string) error {
			action, form := w.visit(address)
			test.form.Set("state", form.Get("state"))
			status, page := post(t, action, test.form)
			if status != http.StatusOK || strings.Contains(page, "script") || strings.Contains(page, "canceled") {
				t.Errorf("%v: status %d, page %q", test.form, status, page)
			}
			return nil
		})
		if kindOf(err) != test.kind {
			t.Errorf("%v: got a %s error: %v", test.form, kindOf(err), w.saw(err))
			continue
		}
		for _, text := range test.text {
			if !strings.Contains(err.Error(), text) || strings.ContainsAny(err.Error(), "<\x1b") {
				t.Errorf("%v: %q lacks %q", test.form, err, text)
			}
		}
		if w.only().ID != "" || w.net.posts() != 0 {
			t.Errorf("%v: somebody is signed in", test.form)
		}
	}
}

func TestAStolenCodeIsOfNoUse(t *testing.T) {
	w := newWorld(t, nil)
	var stolen url.Values
	w.net.set(down)
	w.net.set(nil)
	_, err := w.SignInBrowser(t.Context(), mail, nil, func(_ context.Context, address string) error {
		_, stolen = w.visit(address)
		action, form := w.visit(address)
		status, _ := post(t, action, form)
		if status != http.StatusOK {
			return fmt.Errorf("status %d", status)
		}
		return nil
	})
	if err != nil {
		t.Fatal(w.saw(err))
	}
	// Somebody else who has learnt a code brings it to a sign-in of their own: the verifier does not fit.
	_, err = w.SignInBrowser(t.Context(), mail, nil, func(_ context.Context, address string) error {
		action, form := w.visit(address)
		form.Set("code", stolen.Get("code"))
		post(t, action, form)
		return nil
	})
	if !errors.Is(err, auth.ErrInteractionRequired) {
		t.Errorf("got %v", w.saw(err))
	}
}

func TestBrowserSignInEndsWithItsContext(t *testing.T) {
	w := newWorld(t, nil)
	cause := errors.New("changed my mind")
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err := w.SignInBrowser(ctx, mail, nil, func(context.Context, string) error { cancel(cause); return nil })
	if !errors.Is(err, cause) {
		t.Errorf("got %v", w.saw(err))
	}
	// Also while the code is redeemed.
	w.net.set(func(r *http.Request, resp *http.Response) (*http.Response, error) {
		if r.Method == http.MethodPost {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
		return resp, nil
	})
	ctx, stop := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, cause)
	defer stop()
	if _, err := w.SignInBrowser(ctx, mail, nil, w.browse); !errors.Is(err, cause) {
		t.Errorf("got %v", w.saw(err))
	}
}
