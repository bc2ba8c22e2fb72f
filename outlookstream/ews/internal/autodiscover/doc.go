// Package autodiscover asks Exchange's Autodiscover service where mailboxes are,
// in its three forms: SOAP (GetUserSettings, for many mailboxes at a time), POX
// (plain old XML, one at a time), and JSON ("V2", which tells an address and
// nothing else). It decides whom to ask and whom to believe; the requests are
// made by its caller.
package autodiscover
