// Package httpauth is how the fake services find out who asks: Basic, NTLM, Negotiate (with NTLM inside) and Bearer, with
// the challenges that Exchange and the IIS in front of it send.
//
// NTLM authenticates a connection, not a request, so that the http.Server has to use [ConnContext].
package httpauth
