// Package autodiscover plays Exchange's Autodiscover service in its three forms: SOAP (GetUserSettings), POX and the
// JSON of version 2. All three read one [Directory], whose answers may change at any time, as when a mailbox moves.
package autodiscover
