package exchange_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

func TestAGroupOfTwoHundredMailboxesSharesAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := &fakeserver.Options{}
		for i := range 200 {
			opts.Accounts = append(opts.Accounts, signin.Account{User: fmt.Sprintf("room%d@contoso.test", i)})
		}
		s := fakeserver.New(opts)
		defer s.Close()
		e, err := s.ListenMemory()
		if err != nil {
			t.Fatal(err)
		}
		f := &fixture{t: t, s: s, e: e, http: e.Client("h1"), token: s.Token("")} // an application
		mailboxes := make(map[string]string)
		var ids []string
		for _, a := range opts.Accounts {
			id := f.do(f.request(t.Context(), envelope("Exchange2016", impersonating(a.User), streamingRequest(folders("calendar")+allTypes)))).
				want(t, "NoError").text("SubscriptionId")
			ids = append(ids, id)
			mailboxes[id] = a.User
		}
		l := f.listenAs(opts.Accounts[0].User, listenRequest(1, ids...))
		for _, a := range opts.Accounts {
			f.change(fakeserver.Change{User: a.User, Resource: calendarPath, ChangeType: "Deleted", ID: "AAMk" + a.User})
		}
		got := make(map[string]bool)
		for _, a := range l.checked() {
			for _, n := range a.message().at("Notifications").all("Notification") {
				mailbox := mailboxes[n.text("SubscriptionId")]
				if id := n.at("DeletedEvent", "ItemId").attrs["Id"]; id != "AAMk"+mailbox {
					t.Errorf("the subscription of %s tells of %s", mailbox, id)
				}
				got[mailbox] = true
			}
		}
		if len(got) != 200 {
			t.Errorf("events came of %d mailboxes", len(got))
		}
		l.hangUp()
	})
}
