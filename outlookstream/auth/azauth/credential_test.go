package azauth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	azruntime "github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/azauth"
)

func TestCredentialPassesEverythingOn(t *testing.T) {
	until := time.Now().Add(time.Hour)
	var asked auth.Request
	cred := azauth.Credential(auth.Func(func(_ context.Context, r auth.Request) (auth.Token, error) {
		asked = r
		return auth.Token{Value: "t1", ExpiresOn: until, RefreshOn: until.Add(-time.Minute)}, nil
	}))
	got, err := cred.GetToken(t.Context(), tokenRequest{Scopes: scopes, TenantID: "fabrikam.test", Claims: "{}", EnableCAE: true})
	if err != nil || (got != azcore.AccessToken{Token: "t1", ExpiresOn: until, RefreshOn: until.Add(-time.Minute)}) {
		t.Errorf("got the error %v, or not what the provider returned", err)
	}
	if !slices.Equal(asked.Scopes, scopes) || asked.TenantID != "fabrikam.test" || asked.Claims != "{}" || asked.Rejected != "" {
		t.Errorf("asked %v", asked)
	}
}

func TestCredentialKeepsErrors(t *testing.T) {
	for p, want := range map[auth.Provider]error{nil: auth.ErrMisconfigured, &broken{}: auth.ErrInteractionRequired} {
		if got, err := azauth.Credential(p).GetToken(t.Context(), tokenRequest{}); !errors.Is(err, want) || got.Token != "" {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

type broken struct{}

func (*broken) Token(context.Context, auth.Request) (auth.Token, error) {
	return auth.Token{}, &auth.InteractionError{}
}

// service answers a token that it does not like with a claims challenge.
type service struct{ seen []string }

func (s *service) Do(r *http.Request) (*http.Response, error) {
	s.seen = append(s.seen, r.Header.Get("Authorization"))
	if s.seen[len(s.seen)-1] != "Bearer t1" {
		return reply(200, ""), nil
	}
	resp := reply(401, "")
	resp.Header.Set("WWW-Authenticate", `Bearer error="insufficient_claims", claims="`+base64.StdEncoding.EncodeToString([]byte(`{"access_token":{}}`))+`"`)
	return resp, nil
}

func TestAClientOfTheAzureSDKGetsANewTokenForAChallenge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cred := &script{values: []string{"t1", "t2"}}
		s := &service{}
		pipeline := azruntime.NewPipeline("test", "v1", azruntime.PipelineOptions{
			PerRetry: []policy.Policy{azruntime.NewBearerTokenPolicy(azauth.Credential(azauth.New(cred, nil)), scopes, nil)},
		}, &policy.ClientOptions{Transport: s})
		for range 3 {
			r, err := azruntime.NewRequest(t.Context(), http.MethodGet, "https://service.test/")
			if err != nil {
				t.Fatal(err)
			}
			if resp, err := pipeline.Do(r); err != nil || resp.StatusCode != 200 {
				t.Fatalf("got %v and %v", resp, err)
			}
		}
		if want := []string{"Bearer t1", "Bearer t2", "Bearer t2", "Bearer t2"}; !slices.Equal(s.seen, want) {
			t.Errorf("the service saw other tokens than t1, t2, t2, t2")
		}
		if len(cred.asked) != 2 || cred.asked[1].Claims != `{"access_token":{}}` {
			t.Errorf("the credential was asked %+v", cred.asked)
		}
	})
}
