package autodiscover

import (
	"strings"
	"testing"
)

// The web server of a domain often sends whoever comes to another name, as
// www.contoso.com: where a guess leads to is still a guess.
func TestAWebPageToWhichADomainRedirectsGetsNoCredentials(t *testing.T) {
	page := body("<html>welcome</html>")
	servers := make(map[string]server)
	for _, path := range []string{svc, xmlP, v1 + "a@contoso.com"} {
		servers["https://contoso.com"+path] = redirect("https://www.contoso.com" + path)
		servers["https://www.contoso.com"+path] = page
	}
	w := &world{t: t, open: true, servers: servers}
	got, err := w.discover(nil, nil, "a@contoso.com")
	if err != nil || got["a@contoso.com"].Err == nil {
		t.Errorf("%v, %v", got, err)
	}
	for _, asked := range w.asked {
		if strings.HasPrefix(asked, "credentials") {
			t.Error(asked)
		}
	}
}

// One that asks for them gets them, wherever it is within the domain.
func TestAServerToWhichADomainRedirectsGetsCredentialsWhenItAsksForThem(t *testing.T) {
	w := &world{t: t, servers: map[string]server{
		"https://autodiscover.contoso.com" + svc: redirect("https://mail.contoso.com" + svc),
		"https://mail.contoso.com" + svc:         soap(here),
	}}
	got, err := w.discover(nil, nil, "a@contoso.com")
	if err != nil || got["a@contoso.com"] != (Result{Settings: contoso}) {
		t.Errorf("%v, %v", got, err)
	}
	w.expect(
		"nobody https://autodiscover.contoso.com"+svc+": a@contoso.com",
		"credentials https://autodiscover.contoso.com"+svc+": a@contoso.com",
		"nobody https://mail.contoso.com"+svc+": a@contoso.com",
		"credentials https://mail.contoso.com"+svc+": a@contoso.com",
	)
}
