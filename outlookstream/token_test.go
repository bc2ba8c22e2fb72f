package outlookstream

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

func TestATokenThatCannotBeSentIsAnErrorAndNotTold(t *testing.T) {
	for name, value := range map[string]string{"empty": "", "line break": "s3cret\n", "quoted": `"s3cret"`, "escaped": `s3cret\`, "umlaut": "s3cretä"} {
		c := answering(t, Options{}, func(*http.Request) (*http.Response, error) {
			t.Errorf("%s: it was sent", name)
			return nil, io.EOF
		})
		c.tokens.Provider = auth.Func(func(context.Context, auth.Request) (auth.Token, error) { return auth.Token{Value: value}, nil })
		_, err := c.Subscribe(t.Context(), Resource{Path: "me/events"})
		if !errors.Is(err, auth.ErrMisconfigured) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestARefusedTokenIsNeverSentAgainWhateverTheProviderDoes(t *testing.T) {
	sent := map[string]int{}
	c := answering(t, Options{}, func(r *http.Request) (*http.Response, error) {
		sent[r.Header.Get("Authorization")]++
		return response(r, 401, ""), nil
	})
	calls := 0
	c.tokens.Provider = auth.Func(func(context.Context, auth.Request) (auth.Token, error) {
		calls++
		return auth.Token{Value: []string{"one", "two"}[calls%2]}, nil // in turn, for ever
	})
	for range 10 {
		_, err := c.Subscribe(t.Context(), Resource{Path: "me/events"})
		if !errors.Is(err, ErrUnauthorized) && !errors.Is(err, auth.ErrRejected) {
			t.Errorf("%v", err)
		}
	}
	if len(sent) != 2 || sent["Bearer one"] != 1 || sent["Bearer two"] != 1 {
		t.Errorf("sent: %v", sent)
	}
}

func TestAProviderThatHangsIsGivenUpOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := answering(t, Options{}, nil)
		c.tokens.Provider = auth.Func(func(ctx context.Context, _ auth.Request) (auth.Token, error) {
			<-ctx.Done()
			return auth.Token{}, ctx.Err()
		})
		start := time.Now()
		_, err := c.Subscribe(t.Context(), Resource{Path: "me/events"})
		if !strings.Contains(err.Error(), "the auth.Provider gave no answer within 1m0s") || time.Since(start) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestTheScopesOfTheOptionsAreAskedForThroughout(t *testing.T) {
	want := []string{"https://outlook.office.com/calendars.read.shared"}
	c := answering(t, Options{Scopes: want}, func(r *http.Request) (*http.Response, error) { return response(r, 503, ""), nil })
	asked := 0
	c.tokens.Provider = auth.Func(func(_ context.Context, r auth.Request) (auth.Token, error) {
		if asked++; !slices.Equal(r.Scopes, want) {
			t.Errorf("asked for %q", r.Scopes)
		}
		return auth.Token{Value: "T"}, nil
	})
	_, _ = c.Subscribe(t.Context(), Resource{Path: "me/photos"})
	_, _ = c.Open(t.Context(), "id")
	_ = c.Unsubscribe(t.Context(), "id")
	if asked != 3 {
		t.Errorf("asked %d times", asked)
	}
}

func TestOpenAsksForThePermissionsOfWhatWasSubscribedTo(t *testing.T) {
	var asked []string
	c := answering(t, Options{}, func(r *http.Request) (*http.Response, error) { return response(r, 503, ""), nil })
	c.tokens.Provider = auth.Func(func(_ context.Context, r auth.Request) (auth.Token, error) {
		asked = append(asked, strings.Join(r.Scopes, " "))
		return auth.Token{Value: "T"}, nil
	})
	for _, path := range []string{"me/messages", "me/events", "me/messages"} {
		_, _ = c.Subscribe(t.Context(), Resource{Path: path})
	}
	_, _ = c.Open(t.Context(), "id")
	if got := asked[3]; got != "https://outlook.office.com/calendars.read https://outlook.office.com/mail.read" {
		t.Errorf("asked for %q", got)
	}
}
