package outlookstream

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

func TestNothingThatHoldsATokenShowsItToFmt(t *testing.T) {
	var stream *Stream
	c := answering(t, Options{}, func(r *http.Request) (*http.Response, error) {
		return response(r, 200, `{"value":[`), nil
	})
	cached := auth.Cached(auth.Func(func(context.Context, auth.Request) (auth.Token, error) { return auth.Token{Value: testToken}, nil }))
	if _, err := cached.Token(t.Context(), auth.Request{}); err != nil {
		t.Fatal(err)
	}
	stream, err := c.Open(t.Context(), "id")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	c.tokens.Refuse(testToken, "")
	type holder struct{ inside any }
	for name, value := range map[string]any{
		"Client": c, "Stream": stream, "Static": auth.Static(testToken), "Cached": cached, "tokens": c.tokens,
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
			for _, v := range []any{value, holder{value}, &holder{value}} {
				text := fmt.Sprintf(verb, v)
				if strings.Contains(text, "s3cret") || strings.Contains(text, fmt.Sprintf("%x", "s3cret")) || strings.Contains(text, fmt.Sprintf("%X", "s3cret")) {
					t.Errorf("%s of %s (%T) shows the token", verb, name, v)
				}
			}
		}
	}
}
