// Package msalauth gets tokens from Microsoft Entra ID through the Microsoft Authentication Library (MSAL).
//
// A [Provider] holds one signed-in account. [Provider.SignInDeviceCode] is the explicit sign-in, made while a person is
// there; after that [Provider.Token] works without one, renewing the access token whenever needed, until the authority
// wants the person again and it says so with [auth.ErrInteractionRequired].
//
//	p, err := msalauth.New(msalauth.Options{ClientID: "..."})
//	...
//	_, err = p.SignInDeviceCode(ctx, scopes, func(_ context.Context, c msalauth.DeviceCode) error {
//		fmt.Fprintln(os.Stderr, c.Message)
//		return nil
//	})
//
// Tokens are kept in the memory of the process: it signs in again after a restart.
//
// # What is added to MSAL
//
// MSAL renews a token once for each concurrent caller, which with refresh tokens that can be used once signs the account
// out; here it is one renewal, for which all callers wait, each no longer than its own context. MSAL returns a cached token
// although the server has refused it; here a refused token is taken out of the cache. MSAL reports a failed early renewal as
// an error although the old token is good; here the old token is returned. MSAL gives up a device code at the first network
// error; here the wait goes on until the code expires.
//
// # What leaves the process
//
// Requests go by https to the authority's host and, if that is one of Microsoft's, to Microsoft's other sign-in hosts; no
// redirect is followed, an answer may have at most 1 MiB, a request at most 30 s. Errors are made anew from the error codes
// in the authority's answers: MSAL's own error values, which can contain tokens, are never part of them.
package msalauth
