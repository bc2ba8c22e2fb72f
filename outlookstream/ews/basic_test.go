package ews

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// A basicServer lets in one user with one password.
type basicServer struct {
	*httptest.Server
	offers string

	mu       sync.Mutex
	password string
	refused  int
	served   int
}

func newBasicServer(t *testing.T, password string) *basicServer {
	s := &basicServer{password: password, offers: `Basic realm="mail"`}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *basicServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	user, password, _ := r.BasicAuth()
	in := user == "svc@contoso.com" && password == s.password
	if in {
		s.served++
	} else {
		s.refused++
	}
	s.mu.Unlock()
	if in {
		answerCalls(w, r)
	} else {
		w.Header().Set("WWW-Authenticate", s.offers)
		w.WriteHeader(http.StatusUnauthorized)
	}
}

// a rotating function of passwords: each call returns the next.
func rotating(passwords ...string) (func(context.Context) (string, error), *int) {
	var mu sync.Mutex
	calls := 0
	return func(context.Context) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		calls++
		return passwords[min(calls, len(passwords))-1], nil
	}, &calls
}

func TestThePasswordIsAskedForOnce(t *testing.T) {
	server := newBasicServer(t, "pässword")
	password, calls := rotating("pässword")
	s := newSession(t, Basic("svc@contoso.com", password), server.URL)
	for range 3 {
		if err := subscribe(t, s); err != nil {
			t.Fatal(err)
		}
	}
	if *calls != 1 || server.served != 3 {
		t.Errorf("%d calls, %d served", *calls, server.served)
	}
}

func TestAPasswordIsTriedByOneRequestAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := Basic("svc", fixed("right one"))
		grants := make(chan *grant, 10)
		for range cap(grants) {
			go func() {
				g, err := a.grant(t.Context(), "")
				if err != nil {
					t.Error(err)
					return
				}
				grants <- g
			}()
		}
		for range 2 { // what nobody answers is no proof
			synctest.Wait()
			if len(grants) != 1 {
				t.Fatalf("%d have the password", len(grants))
			}
			(<-grants).over(unanswered, "")
		}
		synctest.Wait()
		(<-grants).over(accepted, "")
		synctest.Wait()
		if len(grants) != cap(grants)-3 {
			t.Errorf("%d have a password that is right", len(grants))
		}
	})
}

func TestAChangedPasswordCostsOneAttempt(t *testing.T) {
	server := newBasicServer(t, "first one")
	password, calls := rotating("first one", "second one")
	s := newSession(t, Basic("svc@contoso.com", password), server.URL)
	if err := subscribe(t, s); err != nil {
		t.Fatal(err)
	}
	server.password = "second one"
	if err := subscribe(t, s); !errors.Is(err, outlookstream.ErrUnauthorized) {
		t.Errorf("with the old one: %v", err)
	}
	if err := subscribe(t, s); err != nil {
		t.Errorf("with the new one: %v", err)
	}
	if *calls != 2 || server.refused != 1 {
		t.Errorf("%d calls, %d refused", *calls, server.refused)
	}
}

func TestAPasswordThatComesBackIsNotSentAgain(t *testing.T) {
	server := newBasicServer(t, "right one")
	password, _ := rotating("wrong one", "wrong two", "wrong one", "wrong two", "wrong one")
	s := newSession(t, Basic("svc@contoso.com", password), server.URL)
	for i := range 5 {
		err := subscribe(t, s)
		if wanted := i >= 2; errors.Is(err, auth.ErrRejected) != wanted {
			t.Errorf("attempt %d: %v", i, err)
		}
		if strings.Contains(err.Error(), "proxy") {
			t.Errorf("a proxy has nothing to do with it: %v", err)
		}
	}
	if server.refused != 2 {
		t.Errorf("%d attempts reached the server", server.refused)
	}
}

func TestPasswordsThatCannotBeSentAreMistakes(t *testing.T) {
	for name, a := range map[string]Authenticator{
		"a line break":        Basic("svc", fixed("secret\n")),
		"nothing":             Basic("svc", fixed("")),
		"nobody's":            Basic("", fixed("secret")),
		"a user with a colon": Basic("contoso:svc", fixed("secret")),
		"no function":         Basic("svc", nil),
		"NTLM, a line break":  NTLM("svc", fixed("secret\r")),
		"Negotiate, nothing":  Negotiate(func(context.Context, string) ([]byte, error) { return nil, nil }),
		"Negotiate, nobody":   Negotiate(nil),
	} {
		_, err := a.grant(t.Context(), "mail.test")
		if !errors.Is(err, auth.ErrMisconfigured) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnErrorOfThePasswordFunctionIsTheCalls(t *testing.T) {
	server := newBasicServer(t, "right one")
	missing := errors.New("no such file")
	fail := true
	s := newSession(t, Basic("svc@contoso.com", func(context.Context) (string, error) {
		if fail {
			return "", missing
		}
		return "right one", nil
	}), server.URL)
	for range 2 { // and the turn is given back
		if err := subscribe(t, s); !errors.Is(err, missing) {
			t.Error(err)
		}
	}
	fail = false
	if err := subscribe(t, s); err != nil {
		t.Error(err)
	}
}

func TestAPasswordFunctionThatHangsIsNotWaitedForForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := Basic("svc", func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		})
		start := time.Now()
		if _, err := a.grant(t.Context(), ""); !errors.Is(err, errPasswordTimeout) || time.Since(start) != passwordTimeout {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		// Who waits for the other's turn has a patience of its own.
		go func() { _, _ = a.grant(t.Context(), "") }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := a.grant(ctx, ""); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		time.Sleep(2 * passwordTimeout) // synctest: virtual
	})
}

func TestWhereBasicIsNotOfferedThePasswordIsNotCalledWrong(t *testing.T) {
	server := newBasicServer(t, "other")
	server.offers = "Negotiate, NTLM"
	s := newSession(t, Basic("svc@contoso.com", fixed("right one")), server.URL)
	for range 2 {
		err := subscribe(t, s)
		if !errors.Is(err, auth.ErrMisconfigured) || errors.Is(err, auth.ErrRejected) || !strings.Contains(err.Error(), "takes Negotiate, NTLM here, and not Basic") {
			t.Error(err)
		}
	}
}

func TestNoVerbPrintsAPassword(t *testing.T) {
	const secret = "s3cret.value"
	for _, a := range []Authenticator{Basic("svc", fixed(secret)), NTLM("svc", fixed(secret))} {
		g, err := a.grant(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		g.over(refused, "")
		_, err = a.grant(t.Context(), "")
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if text := fmt.Sprintf(verb+verb, a, err); strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
				t.Errorf("%s: %s", verb, text)
			}
		}
		c, err := New(a, nil)
		if err != nil {
			t.Fatal(err)
		}
		if text := fmt.Sprintf("%+v", c); strings.Contains(text, secret) {
			t.Error(text)
		}
	}
}

func TestWhatAServerEchoesOfAPasswordIsNotShown(t *testing.T) {
	var encoded string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, encoded, _ = strings.Cut(r.Header.Get("Authorization"), " ")
		_, password, _ := r.BasicAuth()
		w.Header().Set("X-FEServer", strings.Repeat("x", 500)+password) // to be cut short in the middle of it
		w.Header().Set("request-id", encoded)
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, `<Envelope><Body><Fault><faultstring>%s %s</faultstring></Fault></Body></Envelope>`, password, encoded)
	}))
	defer server.Close()
	const secret = "a password of some length"
	s := newSession(t, Basic("svc", fixed(secret)), server.URL)
	failure, ok := errors.AsType[*Error](subscribe(t, s))
	if !ok {
		t.Fatal("no Error")
	}
	if text := fmt.Sprintf("%v %+v", failure, *failure); strings.Contains(text, "a password") || strings.Contains(text, encoded) {
		t.Error(text)
	}
}

func TestNegotiateSendsATokenOfItsOwnWithEachRequest(t *testing.T) {
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("Authorization"))
		answerCalls(w, r)
	}))
	defer server.Close()
	n := 0
	s := newSession(t, Negotiate(func(_ context.Context, host string) ([]byte, error) {
		n++
		return fmt.Appendf(nil, "%s/%d", host, n), nil
	}), server.URL)
	for range 2 {
		if err := subscribe(t, s); err != nil {
			t.Fatal(err)
		}
	}
	if want := "[Negotiate MTI3LjAuMC4xLzE= Negotiate MTI3LjAuMC4xLzI=]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}
