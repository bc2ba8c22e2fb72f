package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

// demoFlags are those of "calwatch demo".
type demoFlags struct {
	api      apiFlag
	duration time.Duration
	output   outputFlag
	log      logFlags
}

func (t *tool) demoCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show everything at work, without an account",
		Long: `demo starts a fake Outlook and a fake sign-in service in its own process, signs
in by device code, watches a calendar and lets it live: meetings are created,
moved and cancelled. Then the service forgets the subscription, and a connection
goes silent. Within 15 seconds all of it has been survived, without losing a
change silently. It goes on until it is stopped; the last line is the count.

With --api ews it is a fake Exchange of two servers, and the calendars of 25
rooms are watched over one connection. The token expires, a subscription is
lost, and then the server that has them all.

Events go to standard output; what the demo does meanwhile is told on standard
error.`,
		Example: "  calwatch demo --for 20s\n  calwatch demo --api ews",
		Args:    cobra.NoArgs,
	}
	f := &flags{cmd: cmd}
	var o demoFlags
	o.api.register(f, "what the service speaks")
	cmd.Flags().DurationVar(&o.duration, "for", 0, f.doc("for", "end after this time", "never"))
	o.output.register(f, "events")
	o.log.register(f, quietLogLevel)
	return t.command(cmd, f, func(ctx context.Context, _ []string) error { return t.demo(ctx, &o) })
}

// What the demo watches, and how.
const (
	demoResource  = "me/events"
	demoKeepAlive = time.Second // so that silence is noticed within 7 s
	// demoSettle is how long before the end the last change is made.
	demoSettle = 2 * time.Second
)

// demoBackoff is for people who watch.
var demoBackoff = outlookstream.Backoff{Initial: 200 * time.Millisecond, ResetAfter: time.Second}

func (t *tool) demo(ctx context.Context, o *demoFlags) (err error) {
	if o.duration < 0 {
		return usage(fmt.Errorf("--for %v: it cannot be negative", o.duration))
	}
	if o.log.level == "" {
		o.log.level = quietLogLevel
	}
	s, err := t.newSession(ctx, &o.output, &o.log)
	if err != nil {
		return err
	}
	defer s.close()
	s.quiet = !s.log.Enabled(ctx, slog.LevelInfo)

	play := restPlay
	if o.api.isEWS() {
		play = exchangePlay
	}
	server := fakeserver.New(play.service())
	defer func() { err = errors.Join(err, server.Close()) }()
	endpoint, err := server.Listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	client, err := httpClientTrusting(o.api.name, endpoint.CAPEM())
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()

	run := ctx
	if o.duration > 0 {
		var cancel context.CancelFunc
		run, cancel = context.WithTimeout(ctx, o.duration)
		defer cancel()
	}
	st := newStory(server, s, t.coloured(t.stderr))
	err = play.show(run, st, endpoint, client)
	s.console.setStatus("")
	count := st.tally.count(server, play.lost, ctx.Err() != nil)
	fmt.Fprintln(s.console, count)
	if err == nil && count.lost > 0 {
		err = fmt.Errorf("%d changes were lost silently: please report this", count.lost)
	}
	return err
}

// A play is what the demo can show.
type play struct {
	service func() *fakeserver.Options
	// show has the story told, and returns when it is over.
	show func(ctx context.Context, st *story, endpoint *fakeserver.Endpoint, client *http.Client) error
	// lost says which changes somebody was never told of who has seen all that.
	lost func(server *fakeserver.Server, seen []fakeserver.Seen) []fakeserver.Entry
}

var restPlay = play{
	service: func() *fakeserver.Options { return nil },
	show: func(ctx context.Context, st *story, endpoint *fakeserver.Endpoint, client *http.Client) error {
		st.say("a fake Outlook and a fake sign-in service run at %s", endpoint.URL)
		return st.tell(ctx, st.observe, st.act, func(ctx context.Context) error {
			w, err := demoWatcher(st.session, st, st.server, endpoint, client)
			if err != nil {
				return err
			}
			return w.run(ctx)
		})
	},
	lost: func(server *fakeserver.Server, seen []fakeserver.Seen) []fakeserver.Entry {
		return server.LostSilently("me", demoResource, seen)
	},
}

// demoWatcher watches as anybody would; only the waits are short.
func demoWatcher(s *session, story *story, server *fakeserver.Server, endpoint *fakeserver.Endpoint, client *http.Client) (*watcher, error) {
	signIn, err := newSignIn(s, msalauth.Options{
		ClientID: server.SignIn().ClientID(), Authority: endpoint.Authority(), HTTPClient: client,
	})
	if err != nil {
		return nil, err
	}
	signIn.method = authDeviceCode
	return &watcher{
		session:     s,
		credentials: &credentials{provider: signIn.begin},
		source: &restSource{
			resources: []outlookstream.Resource{{
				Path:   demoResource,
				Select: []string{"Subject", "Start", "End", "Location", "Organizer", "Attendees"},
			}},
			options: outlookstream.Options{
				Endpoint:   endpoint.API(),
				HTTPClient: client,
				KeepAlive:  demoKeepAlive,
				Backoff:    demoBackoff,
				Logger:     s.libraryLog(),
				Trace:      story.trace(newStatus(s, endpoint.API()).trace()),
			},
		},
	}, nil
}

// tell has watch run, which observe sees the events of, while act goes on around
// it, and returns when both are over.
func (st *story) tell(ctx context.Context, observe observer, act func(context.Context), watch func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	var others sync.WaitGroup
	defer others.Wait()
	defer cancel()
	st.session.observed = observe
	st.session.prompted = func(code msalauth.DeviceCode) {
		others.Go(func() { st.approve(ctx, code.UserCode) })
	}
	others.Go(func() { act(ctx) })
	return watch(ctx)
}
