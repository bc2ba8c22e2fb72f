// Package outlookstream delivers changes in Outlook mailboxes - calendar,
// mail, contacts, tasks - as they happen, over one outbound connection. It
// speaks the Outlook REST beta streaming API.
//
// Its promise is that no change is ever lost silently: either it is delivered,
// or the program is told, by an event of kind [Resync], to read again.
//
//	client, err := outlookstream.New(provider, nil)
//	...
//	for event, err := range client.Watch(ctx, outlookstream.Resource{Path: "me/events"}) {
//		switch {
//		case err != nil:
//			return err
//		case event.Kind == outlookstream.Resync:
//			listEverything() // at the start, too: one code path for all failures
//		default:
//			update(event.ID)
//		}
//	}
//
// # Two levels
//
// [Client.Watch] keeps a watch going through everything a program can survive.
// Below it are [Client.Subscribe], [Client.Open] and [Stream.Next]: one
// request, one connection, no retries, for programs that want to decide for
// themselves.
//
// [Buffer] and [Dedup] take what a watch yields, from this source or another.
//
// # Tokens
//
// Where tokens come from is decided by an [auth.Provider]; package msalauth
// has one over Microsoft's own library. A token is asked for whenever a
// connection is opened. It is sent to the configured endpoint and to nobody
// else, and it appears in no error and no log.
//
// # Which servers
//
// Microsoft has switched its own Outlook REST beta service off: it answers
// with [ErrRetired]. See the README for what still speaks the protocol.
package outlookstream
