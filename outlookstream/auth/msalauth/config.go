package msalauth

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

const defaultAuthority = "https://login.microsoftonline.com/common"

// microsoftHost says whether host is a sign-in host of one of Microsoft's clouds. MSAL asks one about the others.
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

// config is what Options come to.
type config struct {
	clientID  string
	authority string
	host      string // of authority, with the port if there is one
	microsoft bool   // host is one of Microsoft's
	http      *http.Client
}

func newConfig(opts Options) (config, error) {
	if opts.ClientID == "" {
		return config{}, bad("the client id is missing: set it to the application (client) id of the app registration")
	}
	if strings.ContainsFunc(opts.ClientID, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return config{}, bad("the client id contains white space or other characters that no id has")
	}
	raw := opts.Authority
	if raw == "" {
		raw = defaultAuthority
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return config{}, bad("the authority must be written as https://host/tenant, without user, query or fragment")
	}
	tenant := strings.Trim(u.Path, "/")
	if opts.TenantID != "" {
		tenant = opts.TenantID
	}
	if tenant == "" || strings.ContainsAny(tenant, "/?#% ") {
		return config{}, bad("the authority needs one tenant after the host: a directory's id or domain, or \"common\"")
	}
	host := strings.ToLower(u.Host)
	c := config{
		clientID: opts.ClientID, authority: "https://" + host + "/" + tenant, host: host, microsoft: microsoftHost(host),
	}
	base := http.DefaultTransport
	if opts.HTTPClient != nil && opts.HTTPClient.Transport != nil {
		base = opts.HTTPClient.Transport
	}
	c.http = &http.Client{
		Transport: &guard{base: base, host: host, microsoft: c.microsoft},
		// A redirect could carry a refresh token elsewhere; no sign-in endpoint answers with one.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if _, err := c.client(nil); err != nil {
		return config{}, bad("MSAL does not accept the authority: write it as https://host/tenant")
	}
	return c, nil
}

// client makes a MSAL client with a cache of its own. It makes no request.
func (c config) client(accessor cache.ExportReplace) (public.Client, error) {
	return public.New(c.clientID,
		public.WithAuthority(c.authority),
		public.WithHTTPClient(c.http),
		public.WithCache(accessor),
		// Only clients that declare CP1 get claims challenges instead of tokens that live as long as they may.
		public.WithClientCapabilities([]string{"CP1"}),
		// Instance discovery would ask login.microsoftonline.com about hosts it does not know.
		public.WithInstanceDiscovery(c.microsoft),
	)
}

func bad(text string) error { return fmt.Errorf("%w: %s", auth.ErrMisconfigured, text) }
