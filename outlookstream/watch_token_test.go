package outlookstream_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// The contract of Watch, continued.

// 7. A fresh token is asked for at each connection; a refused one is never
// sent again.

func TestEachConnectionAsksForAToken(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		asked := 0
		w.provider = auth.Func(func(_ context.Context, r auth.Request) (auth.Token, error) {
			asked++
			if fmt.Sprint(r.Scopes) != "[https://outlook.office.com/calendars.read https://outlook.office.com/mail.read]" || r.Rejected != "" {
				t.Errorf("%v", r.Scopes)
			}
			return auth.Token{Value: w.server.Token(user, r.Scopes...)}, nil
		})
		w.opts.ConnectionTimeout = 10 * time.Minute
		watcher := w.watch(outlookstream.Resource{Path: "me/messages"}, events)
		for range 6 {
			watcher.event()
		}
		listens := w.listens()
		if len(listens) != 3 || asked != 5 {
			t.Errorf("%d connections, %d tokens: want one for each request", len(listens), asked)
		}
		if listens[0].Token == listens[1].Token || listens[1].Token == listens[2].Token {
			t.Error("a connection was opened with the token of the one before")
		}
	})
}

func TestARefusedTokenIsRefreshedOnceAndNeverSentAgain(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		watcher := w.watch()
		watcher.resync(outlookstream.ErrStarted)
		watcher.quiet(5 * time.Minute)
		w.server.SignIn().ExpireTokens()
		w.arm(fakeserver.Fault{On: "stream", Do: "earlyEnd"})
		start := time.Now()
		watcher.resync(outlookstream.ErrReconnected)
		if took := time.Since(start); took > 0 {
			t.Errorf("it took %v: a refused token is no reason to wait", took)
		}
		refusals := map[string]int{}
		for _, r := range w.server.Requests() {
			if refusals[r.Token] > 0 {
				t.Error("a refused token was sent again")
			}
			if r.Status == 401 {
				refusals[r.Token]++
			}
		}
		if len(refusals) != 1 {
			t.Errorf("%d tokens were refused", len(refusals))
		}
		watcher.change(outlookstream.Created, w.change("Created"))
	})
}

// A token that has expired is refused without a challenge, even if there is one
// to be made: it comes with the refusal of the next token.
func TestAClaimsChallengeAfterAnExpiredTokenIsMet(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		const claims = `{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}`
		asked := []string{}
		old := w.server.Token(user)
		w.server.SignIn().ExpireTokens()
		first := true
		w.provider = auth.Func(func(ctx context.Context, r auth.Request) (auth.Token, error) {
			asked = append(asked, r.Claims)
			switch {
			case first:
				first = false
				return auth.Token{Value: old}, nil
			case r.Claims != "":
				w.server.SignIn().RequireClaims(user, "") // met
			}
			return auth.Token{Value: w.server.Token(user)}, nil
		})
		w.server.SignIn().RequireClaims(user, claims)
		w.watch().resync(outlookstream.ErrStarted)
		if fmt.Sprintf("%q", asked[:3]) != fmt.Sprintf("%q", []string{"", "", claims}) {
			t.Errorf("asked for %q", asked)
		}
	})
}

// A provider that cannot meet the challenge: what it brings next is
// refused again, and that is the end.
func TestAChallengeThatIsNotMetEndsTheWatch(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		asked := 0
		w.provider = auth.Func(func(context.Context, auth.Request) (auth.Token, error) {
			asked++
			return auth.Token{Value: w.server.Token(user)}, nil
		})
		w.server.SignIn().RequireClaims(user, `{"access_token":{"nbf":{"essential":true,"value":"1"}}}`)
		if err := w.watch().end(); !errors.Is(err, outlookstream.ErrUnauthorized) || asked != 2 {
			t.Errorf("%v after %d tokens", err, asked)
		}
		old := w.server.Token(user)
		w.server.SignIn().ExpireTokens()
		asked = 0
		w.provider = auth.Func(func(context.Context, auth.Request) (auth.Token, error) {
			if asked++; asked == 1 {
				return auth.Token{Value: old}, nil
			}
			return auth.Token{Value: w.server.Token(user)}, nil
		})
		if err := w.watch().end(); !errors.Is(err, outlookstream.ErrUnauthorized) || asked != 3 {
			t.Errorf("%v after %d tokens", err, asked)
		}
	})
}

func TestAClaimsChallengeReachesTheProviderOnce(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		const claims = `{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}`
		challenge := `Bearer realm="", error="insufficient_claims", claims="` + base64.RawURLEncoding.EncodeToString([]byte(claims)) + `"`
		w.arm(fakeserver.Fault{On: "listen", Do: "status", Status: 401, Headers: map[string]string{"WWW-Authenticate": challenge}})
		var asked []string
		w.provider = auth.Func(func(_ context.Context, r auth.Request) (auth.Token, error) {
			asked = append(asked, r.Claims)
			return auth.Token{Value: w.server.Token(user, r.Scopes...)}, nil
		})
		watcher := w.watch()
		watcher.resync(outlookstream.ErrStarted)
		w.arm(fakeserver.Fault{On: "stream", Do: "cut"})
		watcher.resync(outlookstream.ErrReconnected)
		if !slices.Equal(asked, []string{"", "", claims, ""}) {
			t.Errorf("asked for %q", asked)
		}
	})
}

func TestASecondRefusalEndsTheWatch(t *testing.T) {
	for _, on := range []string{"subscribe", "listen"} {
		t.Run(on, func(t *testing.T) {
			inEachWorld(t, func(t *testing.T, w *world) {
				w.arm(fakeserver.Fault{On: on, Do: "status", Status: 401, Times: -1})
				err := w.watch().end()
				failure, ok := errors.AsType[*outlookstream.Error](err)
				if !ok || !errors.Is(err, outlookstream.ErrUnauthorized) || failure.RequestID == "" {
					t.Errorf("ended with %v", err)
				}
				sent := map[string]int{}
				for _, r := range w.server.Requests() {
					if r.Status == 401 {
						sent[r.Token]++
					}
				}
				if len(sent) != 2 {
					t.Errorf("%d tokens were tried, want two", len(sent))
				}
				for token, times := range sent {
					if times != 1 {
						t.Errorf("%s was sent %d times", token, times)
					}
				}
			})
		})
	}
}

func TestATokenThatCannotBeReplacedEndsTheWatchWithBothReasons(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		token := w.server.Token(user)
		w.server.SignIn().ExpireTokens()
		w.provider = auth.Static(token)
		err := w.watch().end()
		if !errors.Is(err, auth.ErrRejected) || !errors.Is(err, outlookstream.ErrUnauthorized) {
			t.Errorf("ended with %v", err)
		}
		if n := len(w.server.Requests()); n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestAWatchThatNeedsAPersonEnds(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w.provider = auth.Func(func(context.Context, auth.Request) (auth.Token, error) {
			return auth.Token{}, &auth.InteractionError{Code: "invalid_grant", SubCode: "basic_action"}
		})
		if err := w.watch().end(); !errors.Is(err, auth.ErrInteractionRequired) {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestAProviderInTroubleIsAskedAgain(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		good, asked := w.provider, 0
		w.provider = auth.Func(func(ctx context.Context, r auth.Request) (auth.Token, error) {
			if asked++; asked <= 3 {
				return auth.Token{}, errors.New("the authority cannot be reached")
			}
			return good.Token(ctx, r)
		})
		w.watch().resync(outlookstream.ErrStarted)
	})
}

func TestRefusalsHoursApartAreNotASecondRefusal(t *testing.T) {
	for _, between := range []int{404, 503} { // the new token was good enough for these
		inEachWorld(t, func(t *testing.T, w *world) {
			w.arm(fakeserver.Fault{On: "listen", Do: "status", Status: 401})
			w.arm(fakeserver.Fault{On: "listen", Do: "status", Status: between})
			w.arm(fakeserver.Fault{On: "listen", Do: "reset", Times: 100})
			w.arm(fakeserver.Fault{On: "listen", Do: "status", Status: 401})
			w.watch().resync(outlookstream.ErrStarted)
		})
	}
}

func TestAMissingPermissionAfterARefusalIsOnlyThat(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w.arm(fakeserver.Fault{On: "subscribe", Do: "status", Status: 401})
		w.arm(fakeserver.Fault{On: "subscribe", Do: "status", Status: 403})
		if err := w.watch().end(); !errors.Is(err, outlookstream.ErrForbidden) || errors.Is(err, outlookstream.ErrUnauthorized) {
			t.Errorf("ended with %v", err)
		}
	})
}
