package safeurl_test

import (
	"net/url"
	"testing"

	"github.com/calwatch/calwatch/internal/safeurl"
)

func TestIs(t *testing.T) {
	for address, want := range map[string]bool{
		"https://contoso.com/x": true, "https://127.0.0.1:8443": true, "http://localhost:8080": true, "http://127.0.0.1": true, "http://[::1]:1/": true,
		"http://contoso.com": false, "http://localhost.contoso.com": false, "http://128.0.0.1": false, "http://[::2]": false, "https:///x": false, "https:x": false,
		"ftp://localhost": false, "file:///etc/passwd": false, "javascript:alert(1)": false, "": false, "//contoso.com": false,
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if safeurl.Is(u) != want {
			t.Errorf("%q: %v", address, !want)
		}
	}
}
