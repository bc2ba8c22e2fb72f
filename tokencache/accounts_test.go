package tokencache

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

func TestAccountsListsWhoIsStored(t *testing.T) {
	s := openTest(t, newDir(t), nil)
	end := time.Now().Add(time.Hour).Truncate(time.Second)
	for _, id := range []string{"kim", "alex", "gone", "out"} {
		must(t, newClient(s.Account(id)).signIn(t.Context(), "mail"))
	}
	must(t, s.Remove("gone"))
	must(t, s.Remove("never"))
	must(t, newClient(s.Account("out")).change(t.Context(), func(sections map[string]map[string]any) { clear(sections) }))
	infos, err := s.Accounts()
	must(t, err)
	if len(infos) != 2 || infos[0].ID != "alex" || infos[1].ID != "kim" {
		t.Fatalf("got %v, want alex and kim", infos)
	}
	for _, info := range infos {
		if d := info.ExpiresOn.Sub(end); d < 0 || d > time.Minute {
			t.Errorf("%s: the token expires %s after it should", info.ID, d)
		}
		want := AccountInfo{ID: info.ID, Username: "alex@contoso.test", TenantID: "tenant", Environment: "login.test",
			Scopes: []string{"mail"}, ExpiresOn: info.ExpiresOn, Renewable: true}
		if !reflect.DeepEqual(info, want) {
			t.Errorf("got %+v, want %+v", info, want)
		}
	}
}

// idToken is an id token that nobody has signed, as MSAL stores it without looking.
func idToken(claims string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + "."
}

func TestDescribe(t *testing.T) {
	for name, c := range map[string]struct {
		cache string
		want  AccountInfo
	}{
		"the token that expires last": {
			`{"AccessToken":{"a":{"target":"x","expires_on":"1000"},"b":{"target":"y z","expires_on":"3000"},"c":{"target":"q","expires_on":"2000"}}}`,
			AccountInfo{Scopes: []string{"y", "z"}, ExpiresOn: time.Unix(3000, 0)}},
		"an expiry that is a number, and one that is none": {
			`{"AccessToken":{"a":{"target":"x","expires_on":1000},"b":{"target":"y","expires_on":"soon"},"c":7}}`,
			AccountInfo{Scopes: []string{"x"}, ExpiresOn: time.Unix(1000, 0)}},
		"a refresh token only": {`{"RefreshToken":{"a":{}}}`, AccountInfo{Renewable: true}},
		"several tenants": {
			`{"Account":{"z":{"username":"u2","realm":"t2"},"a":{"username":"u1","realm":"t1","environment":"e"}},` +
				`"IdToken":{"a":{"realm":"t2","secret":"` + idToken(`{"name":"Two"}`) + `"},"z":{"realm":"t1","secret":"` + idToken(`{"name":"Ünö"}`) + `"}}}`,
			AccountInfo{Username: "u1", TenantID: "t1", Environment: "e", Name: "Ünö"}},
		"a name in the account itself": {
			`{"Account":{"a":{"name":"Alex","realm":"t"}},"IdToken":{"a":{"realm":"t","secret":"` + idToken(`{"name":"Other"}`) + `"}}}`,
			AccountInfo{TenantID: "t", Name: "Alex"}},
		"id tokens that are none": {
			`{"Account":{"a":{"username":"u"}},"IdToken":{"a":{"secret":"x"},"b":{"secret":"x.!.x"},"c":{"secret":"x.e30=.x"},"d":{"secret":"` + idToken(`[]`) + `"}}}`,
			AccountInfo{Username: "u"}},
	} {
		t.Run(name, func(t *testing.T) {
			c.want.ID = "id"
			if got, ok := Describe("id", []byte(c.cache)); !ok || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, %v\nwant %+v", got, ok, c.want)
			}
		})
	}
	for _, nobody := range []string{``, `{`, `[]`, `{}`, `{"RefreshToken":{}}`, `{"RefreshToken":[]}`, `{"AppMetadata":{"a":{}}}`} {
		if got, ok := Describe("id", []byte(nobody)); ok {
			t.Errorf("%s is about %+v", nobody, got)
		}
	}
}

func TestMSALAccountIsDescribed(t *testing.T) {
	idp := newAuthority(t, &signin.Options{Accounts: []signin.Account{{User: "kim@contoso.test", Name: "Kim Ärlig", ObjectID: "11111111-2222-3333-4444-555555555555"}}})
	s := openTest(t, newDir(t), nil)
	result := signInWithMSAL(t, idp.client(t, s))
	infos, err := s.Accounts()
	must(t, err)
	if len(infos) != 1 {
		t.Fatalf("%d accounts, want one", len(infos))
	}
	got := infos[0]
	if got.Username != "kim@contoso.test" || got.Name != "Kim Ärlig" || got.TenantID != idp.Tenant() || got.Environment != result.Account.Environment || !got.Renewable {
		t.Errorf("got %+v", got)
	}
	if len(got.Scopes) == 0 || got.Scopes[0] != scopes[0] || got.ExpiresOn.Sub(result.ExpiresOn).Abs() > time.Second {
		t.Errorf("scopes %v until %s, want %v until %s", got.Scopes, got.ExpiresOn, scopes, result.ExpiresOn)
	}
}

func TestAccountsReturnsTheOthersWhenOneCannotBeRead(t *testing.T) {
	s, dir, path := stored(t, nil)
	must(t, newClient(s.Account("kim")).signIn(t.Context(), "mail"))
	content := readAll(t, path)
	content[len(magic)] = formatVersion + 1
	writeAll(t, path, content)
	infos, err := s.Accounts()
	wantError(t, err, errNewer, dir)
	if len(infos) != 1 || infos[0].ID != "kim" {
		t.Errorf("got %v, want kim", infos)
	}
	must(t, s.Close())
	_, err = s.Accounts()
	wantError(t, err, nil, dir)
	wantError(t, s.RemoveAll(), nil, dir)
	wantError(t, s.Remove("kim"), nil, dir)
	_, err = s.Exclusive(t.Context(), "kim")
	wantError(t, err, nil, dir)
	if errors.Is(err, context.Canceled) || fmt.Sprint(s) == "" {
		t.Error("a closed store says so")
	}
}
