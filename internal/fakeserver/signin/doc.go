// Package signin plays a Microsoft Entra ID authority: an http.Handler that signs accounts in and issues tokens, for tests and
// for trying a client out.
//
// It serves, below /{tenant} with the tenant's GUID, the domain of its first account, "common" or "organizations":
//
//	GET  v2.0/.well-known/openid-configuration
//	GET  discovery/instance            instance discovery, as login.microsoftonline.com has it below /common
//	POST oauth2/v2.0/devicecode        RFC 8628
//	GET  oauth2/v2.0/authorize         authorization code with PKCE (S256 only), for loopback redirects
//	POST oauth2/v2.0/token             device code, authorization code, refresh token, client credentials
//
// and /device, the page on which a person approves or declines a device code with a browser.
//
// It is strict about what it is asked, and answers mistakes with the error codes the real service uses. In one thing it is
// stricter than the real service: a refresh token can be used once, and using it again revokes what came of it.
// It is not a security boundary: everybody who reaches /device may approve codes.
//
// The clock is time.Now everywhere, so that the package works under testing/synctest. The server's own address is taken
// from each request's Host.
package signin
