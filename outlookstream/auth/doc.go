// Package auth is the seam between a client that sends bearer tokens and whatever gets them.
//
// A [Provider] gives out tokens. It can be written in a line with [Func], it can be a token got elsewhere with [Static], and
// packages below this one adapt the well-known sign-in libraries, one a package, so that a program compiles only the one it
// uses. This package itself needs the standard library only.
//
// # When the server refuses a token
//
// A client that gets a 401 asks again with [Request.Rejected] set to the value it had sent. That is a compare-and-swap: if
// the provider holds another token by then, that one is the answer, and only otherwise does it fetch one. A claims challenge
// is passed on in [Request.Claims]. A provider that has nothing else to offer says [ErrRejected], and the client gives up
// instead of sending the dead token for ever.
//
// # Nobody is prompted
//
// A provider works in the background of a program that may have no terminal. Signing in is a call of its own, made when a
// person is there; a provider that needs it says so with an [InteractionError].
//
// # Caching
//
// [Cached] puts a cache with a single flight in front of any provider.
package auth
