// Package ews delivers changes in Exchange mailboxes over Exchange Web
// Services: Exchange Server, and Exchange Online tenants that still allow it
// (until 1 April 2027). Changes come live, over outbound connections, as the
// same events and under the same promise as those of package outlookstream: no
// change is lost silently. See docs/ews.md for permissions and limits.
//
// A [Session] has the calls of the service, one request each and no retries.
// A [Stream] is one of them: a connection that listens to subscriptions.
//
// A Client and a Session are safe for concurrent use.
package ews
