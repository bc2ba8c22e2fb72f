package msalauth

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/internal/entra"
)

const defaultAuthority = "https://login.microsoftonline.com/common"

// microsoftHost says whether host is a sign-in host of one of Microsoft's clouds. One of them may send requests on to another.
func microsoftHost(host string) bool {
	switch host {
	case "login.microsoftonline.com", "login.microsoft.com", "login.windows.net", "sts.windows.net",
		"login.microsoftonline.us", "login.usgovcloudapi.net", // US government
		"login.partner.microsoftonline.cn", "login.chinacloudapi.cn", // China
		"login.sovcloud-identity.fr", "login.sovcloud-identity.de", "login.sovcloud-identity.sg":
		return true
	}
	return false
}

// config says which application signs in where.
type config struct {
	clientID     string
	authority    string // https://host/tenant
	host         string // of authority, with the port if there is one
	tenant       string
	microsoft    bool // host is one of Microsoft's
	confidential bool // the application has a secret, and there is no person
	http         *http.Client
	documents    *documents // what the authority publishes about itself
}

func newConfig(clientID, authority, tenantID string, client *http.Client) (config, error) {
	if clientID == "" {
		return config{}, bad("the client id is missing: set it to the application (client) id of the app registration")
	}
	if strings.ContainsFunc(clientID, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return config{}, bad("the client id contains white space or other characters that no id has")
	}
	u, err := url.Parse(cmp.Or(authority, defaultAuthority))
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return config{}, bad("the authority must be written as https://host/tenant, without user, query or fragment")
	}
	tenant := strings.ToLower(cmp.Or(tenantID, strings.Trim(u.Path, "/"))) // its case means nothing, and must not make it another one
	if tenant == "" || strings.ContainsAny(tenant, "/?#% ") {
		return config{}, bad("the authority needs one tenant after the host: a directory's id or domain, or \"common\"")
	}
	host := strings.TrimSuffix(strings.ToLower(u.Host), ":443")
	c := config{
		clientID: clientID, authority: "https://" + host + "/" + tenant, host: host, tenant: tenant,
		microsoft: microsoftHost(host), documents: newDocuments(),
	}
	base := http.DefaultTransport
	if client != nil && client.Transport != nil {
		base = client.Transport
	}
	c.http = &http.Client{
		Transport: &guard{base: base, host: host, microsoft: c.microsoft, documents: c.documents},
		// A redirect could carry a refresh token elsewhere; no sign-in endpoint answers with one.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// public makes a MSAL client with a cache of its own. It makes no request, and takes microseconds.
func (c config) public(accessor cache.ExportReplace) (public.Client, error) {
	client, err := public.New(c.clientID,
		public.WithAuthority(c.authority),
		public.WithHTTPClient(c.http),
		public.WithCache(accessor),
		// Only clients that declare CP1 get claims challenges instead of tokens that live as long as they may.
		public.WithClientCapabilities([]string{"CP1"}),
		// Instance discovery would ask login.microsoftonline.com about the host, and if the answer does not name it, nothing would be found in the
		// cache any more. Where requests may go is the guard's business, and the issuer is checked without it.
		public.WithInstanceDiscovery(false),
	)
	if err != nil { // MSAL's text may quote anything
		return client, errAuthority()
	}
	return client, nil
}

// in returns the configuration for another tenant; "" is its own.
func (c config) in(tenant string) config {
	c.tenant = cmp.Or(tenant, c.tenant)
	return c
}

// checkClaims refuses what MSAL would take for a mistake of its caller's, and say so in words that may not be shown.
func checkClaims(claims string) error {
	if claims != "" && !entra.IsClaims(claims) {
		return bad("the claims are not a JSON object: decode them from the challenge's base64")
	}
	return nil
}

func errAuthority() error {
	return bad("MSAL does not accept the authority: write it as https://host/tenant")
}

func bad(text string) error { return fmt.Errorf("%w: %s", auth.ErrMisconfigured, text) }
