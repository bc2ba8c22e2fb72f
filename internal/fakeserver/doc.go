// Package fakeserver plays the retired Outlook REST beta streaming service and the sign-in service in front of it.
//
// It is the oracle of this module's tests: faithful to what is known of the service, strict about what a client
// sends, and hostile on demand. The same code runs in a test over an in-memory network under virtual time
// ([Server.ListenMemory]), in a test over real TLS on loopback ([Server.Listen]), and as a program that any client
// can be pointed at.
//
// Everything that was ever changed is kept in a ledger ([Server.Ledger]), so that a test can ask whether anything was
// lost silently ([Server.LostSilently]).
//
// Exchange Web Services are served beside it, for the same mailboxes: see [Server.Exchange].
//
// What the service did where nobody wrote it down is decided here, each time in a comment that says "our choice".
// A client must not rely on those.
//
// A Server that is used inside a testing/synctest bubble has to be made inside it.
package fakeserver
