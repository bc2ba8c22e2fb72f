package main

import (
	"context"
	"net/http"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// exchangePlay shows Exchange Web Services.
var exchangePlay = play{
	service: func() *fakeserver.Options {
		var accounts []signin.Account
		for i := range demoRooms {
			accounts = append(accounts, signin.Account{User: roomAddress(i), Name: roomAddress(i)})
		}
		return &fakeserver.Options{Accounts: accounts, Exchange: &exchange.Options{BackEnds: []exchange.BackEnd{
			{Name: "ex1.contoso.test", Grouping: "CONTOSO-1"}, {Name: "ex2.contoso.test", Grouping: "CONTOSO-1"},
		}}}
	},
	show: showExchange,
	lost: lostInRooms,
}

func showExchange(ctx context.Context, st *story, endpoint *fakeserver.Endpoint, client *http.Client) error {
	x := &exchangeStory{story: st, rooms: newRooms(st.server), heard: newResyncs()}
	st.say("a fake Exchange and a fake sign-in service run at %s", endpoint.URL)
	st.say("an application watches the calendars of %d rooms, and acts as each of them", demoRooms)
	return st.tell(ctx, x.observe, x.act, func(ctx context.Context) error {
		w, err := exchangeWatcher(st.session, x, endpoint, client)
		if err != nil {
			return err
		}
		return w.run(ctx)
	})
}

// exchangeWatcher watches as anybody would; only the waits are short.
func exchangeWatcher(s *session, x *exchangeStory, endpoint *fakeserver.Endpoint, client *http.Client) (*watcher, error) {
	signIn := x.server.SignIn()
	provider, err := msalauth.NewConfidential(msalauth.ConfidentialOptions{
		ClientID: signIn.ClientID(), Authority: endpoint.URL + "/" + signIn.Tenant(), HTTPClient: client,
		Credential: msalauth.SecretFrom(func(context.Context) (string, error) { return signIn.ClientSecret(), nil }),
	})
	if err != nil {
		return nil, err
	}
	all := &mailboxes{session: s, folders: ews.Distinguished(defaultFolder)}
	for i := range demoRooms {
		all.named = append(all.named, roomAddress(i))
	}
	options := ews.Options{
		URL:         endpoint.EWS(),
		Impersonate: true,
		HTTPClient:  client,
		Backoff:     demoBackoff,
		Logger:      s.libraryLog(),
	}
	options.Trace = x.trace(newEWSStatus(s, &options).trace())
	return &watcher{
		session:     s,
		credentials: given(auth.Cached(provider)),
		source:      &ewsSource{mailboxes: all, options: options},
	}, nil
}

// lostInRooms asks for one room after the other: a program that watches many
// has to be told of each.
func lostInRooms(server *fakeserver.Server, seen []fakeserver.Seen) []fakeserver.Entry {
	byRoom := make(map[string][]fakeserver.Seen)
	for _, s := range seen {
		byRoom[s.Resource] = append(byRoom[s.Resource], s)
	}
	var lost []fakeserver.Entry
	for i := range demoRooms {
		room := roomAddress(i)
		lost = append(lost, server.LostSilentlyExchange(room, []string{defaultFolder}, byRoom[room])...)
	}
	return lost
}
