package msalauth_test

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

func TestOverTLSOnLoopback(t *testing.T) {
	server := signin.New(&signin.Options{AutoApprove: true})
	front := httptest.NewTLSServer(server)
	defer front.Close()
	p, err := msalauth.New(msalauth.Options{ClientID: server.ClientID(), Authority: front.URL + "/common", HTTPClient: front.Client()})
	if err != nil {
		t.Fatal(err)
	}
	nothing := func(context.Context, msalauth.DeviceCode) error { return nil }
	if _, err := p.SignInDeviceCode(t.Context(), mail, nothing); err != nil {
		t.Fatal(err)
	}
	provider := p.Provider("alex@contoso.test")
	old, err := provider.Token(t.Context(), auth.Request{Scopes: mail})
	if _, _, ok := server.Check(old.Value); err != nil || !ok {
		t.Fatalf("%v, %v", old, err)
	}
	next, err := provider.Token(t.Context(), auth.Request{Scopes: mail, Rejected: old.Value})
	if _, _, ok := server.Check(next.Value); err != nil || !ok || next.Value == old.Value {
		t.Errorf("%v, %v", next, err)
	}
	front.CloseClientConnections()
	front.Listener.Close()
	if _, err := provider.Token(t.Context(), auth.Request{Scopes: mail, Rejected: next.Value}); !isTransient(err) || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("with the server gone: %v", err)
	}
}

func TestUntrustedCertificate(t *testing.T) {
	server := signin.New(nil)
	front := httptest.NewUnstartedServer(server)
	front.Config.ErrorLog = log.New(io.Discard, "", 0)
	front.StartTLS()
	defer front.Close()
	p, err := msalauth.New(msalauth.Options{ClientID: server.ClientID(), Authority: front.URL + "/common", HTTPClient: &http.Client{Transport: &http.Transport{}}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.SignInDeviceCode(t.Context(), mail, func(context.Context, msalauth.DeviceCode) error { return errors.New("shown") })
	if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); !unknown || !errors.Is(err, auth.ErrMisconfigured) {
		t.Errorf("got %v", err)
	}
}
