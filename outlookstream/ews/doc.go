// Package ews delivers changes in Exchange mailboxes over Exchange Web
// Services: Exchange Server, and Exchange Online tenants that still allow it
// (until 1 April 2027). Changes come live, over outbound connections, as the
// same events and under the same promise as those of package outlookstream: no
// change is lost silently.
//
// [New] makes a [Client] from an [Authenticator] ([Bearer] with any provider of
// tokens, [Basic], [NTLM], [Negotiate]) and [Options]. [Client.Watch] yields what
// happens in mailboxes; [Client.WatchSet] does for those of a [Set], which may
// come and go meanwhile. The watch subscribes to each [Mailbox], puts up to 200
// of them that are on the same servers on one connection, and keeps going: it
// opens connections again, makes lost subscriptions again, gets new tokens,
// notices silence, follows mailboxes that move, and stays away for as long as the
// service asks. Where a stream cannot pass, it asks every so often instead.
//
// Events have one of these kinds:
//   - Resync: list this mailbox again. At the start, and at each reopening of a
//     connection: this service numbers nothing, so nothing else could be sure.
//   - Created, Updated, Deleted, Moved: what happened to an item or a folder. The
//     [Event] in Native says more. What was moved has a new id.
//   - Ended: this mailbox can be watched only after a person has mended something.
//     The others go on.
//
// Below that, a [Session] is the way to one group of mailboxes, and has the calls
// of the service, one request each and no retries: Subscribe and Open (a
// [Stream]), SubscribePull and GetEvents, SyncFolderItems and SyncFolderHierarchy.
// A [PushHandler] receives what Exchange sends by itself. [Client.Autodiscover]
// says where mailboxes are. What the service answers instead is an [*Error].
//
// A Client, a Session, a Set and a PushHandler are safe for concurrent use.
// docs/ews.md has the permissions, the limits, and what an event means.
package ews
