// Package msalauth gets tokens from Microsoft Entra ID through the Microsoft Authentication Library (MSAL).
//
// # People
//
// A [Client] signs people in: with a browser on this machine ([Client.SignInBrowser]), or by a code that is entered on any
// device ([Client.SignInDeviceCode]). These are explicit calls, made while the person is there. After that the
// [auth.Provider] of the account works without one, renewing the access token whenever needed, until the authority wants the
// person again and it says so with [auth.ErrInteractionRequired].
//
//	client, err := msalauth.New(msalauth.Options{ClientID: "...", Store: store})
//	...
//	account, err := client.SignInBrowser(ctx, scopes, nil, open)
//	...
//	provider := client.Provider(account.ID)
//
// With a [tokencache.Store], which other processes may use at the same time, accounts outlive the process. Without one they
// are in memory.
//
// # Applications
//
// A [Confidential] gets tokens for the application itself, which proves who it is by a secret, a certificate or an
// assertion ([Credential]).
//
// # What is added to MSAL
//
// MSAL renews a token once for each concurrent caller, which with refresh tokens that can be used once signs the account
// out; here it is one renewal among all goroutines and processes, for which all callers wait, each no longer than its own
// context. MSAL returns a cached token although the server has refused it; here a refused token is taken out of the cache.
// MSAL parses a cache of all accounts at every call; here the price of a token does not depend on how many there are. MSAL
// reports a failed early renewal as an error although the old token is good; here the old token is returned. MSAL fails when
// tokens cannot be stored; here they are kept in memory, and stored later. MSAL gives up a device code at the first network
// error; here the wait goes on until the code expires.
//
// What it cannot mend: if the authority grants less than was asked for, MSAL drops the answer with the new refresh token in it. With
// an authority whose refresh tokens are good for one use (Entra ID's are not), the account then has to sign in again.
//
// # The end of a program
//
// Call [Client.Close] before the Store's: a renewal that is under way in the background has used up the refresh token that is
// stored.
//
// # What leaves the process
//
// Requests go by https to the authority's host and, if that is one of Microsoft's, to Microsoft's other sign-in hosts; no
// redirect is followed, an answer may have at most 1 MiB, a request at most 30 s. Errors are made anew from the error codes
// in the authority's answers: MSAL's own error values, which can contain tokens, are never part of them.
package msalauth
