// Package exchange plays Exchange Web Services: one endpoint, POST /EWS/Exchange.asmx, in front of mailboxes that this
// process holds.
//
// It is the Exchange half of package fakeserver, which serves it, keeps the ledger of what was changed and arms faults;
// see [Host]. Like the other half it is faithful to what is known of the service, strict about what a client sends, and
// hostile on demand. What the service does where nobody wrote it down is decided here, each time in a comment that says
// "our choice". A client must not rely on those.
//
// A request goes through checks (checks.go) and then to one of the operations (operations.go). Whoever adds an
// operation adds a row there.
//
// A Server that is used inside a testing/synctest bubble has to be made inside it.
package exchange
