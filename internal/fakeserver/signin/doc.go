// Package signin plays a Microsoft Entra ID authority: an http.Handler that signs accounts in and issues tokens, for tests and
// for trying a client out.
//
// It serves, below /{tenant}:
//
//	GET  v2.0/.well-known/openid-configuration
//	GET  discovery/instance            instance discovery, as login.microsoftonline.com has it below /common
//	POST oauth2/v2.0/devicecode        RFC 8628
//	GET  oauth2/v2.0/authorize         authorization code with PKCE (S256 only)
//	POST oauth2/v2.0/token             device code, authorization code, refresh token, client credentials
//
// and /device, the page on which a person approves or declines a device code with a browser.
//
// # Tenants
//
// A tenant is its GUID, its domain, or the domain of an account at home in it. "common" and "organizations" stand for the home of
// whoever signs in, the second not for personal accounts; "consumers" for [PersonalTenant]. An account gets tokens in its home
// tenant, and in those that have it as a guest: then tid and oid are of that tenant, and client_info is that of the home tenant. Elsewhere it is
// refused: AADSTS90072, a personal account with 50020. An application's own tokens need a tenant (50059).
//
// # Applications
//
// There is one application, in every tenant. It need not show who it is in the device code flow and with a loopback redirect; if it
// does, or if the redirect URI is one of Options.WebRedirects, then it has to whenever it renews what came of it. It shows it with one of
// several secrets, which can expire; with an assertion that it signed with a registered certificate (PS256 or RS256, x5t#S256 or x5t,
// for this token endpoint, each once); or with an assertion of an issuer that was registered (Options.Federated).
// All of that is verified.
//
// # Mistakes and misfortunes
//
// It is strict about what it is asked, and answers mistakes with the error codes the real service uses. [Server.Reject] makes
// requests of an account fail with the errors of conditional access, consent and passwords; Options.Fault makes endpoints slow,
// or fail. In two things it is stricter than the real service: a refresh token can be used once, and using it again revokes what came
// of it, unless Options.ReusableRefreshTokens; and the identifier of an assertion is good for one use.
// It is not a security boundary: everybody who reaches /device may approve codes.
//
// Tokens are looked up, not verified: their signatures are noise, and there are no keys to verify them with.
//
// The clock is Options.Now, time.Now by default, so that the package works under testing/synctest. The server's own address is taken
// from each request's Host.
package signin
