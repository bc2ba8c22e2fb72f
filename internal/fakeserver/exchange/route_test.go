package exchange_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
)

// group is how the members of one group ask.
func group(anchor string) ask { return ask{anchor: anchor, affinity: true} }

func (a ask) as(mailbox string) ask {
	a.impersonate = mailbox
	return a
}

func TestTheOverrideCookieComesOnce(t *testing.T) {
	e := newEdge(t, nil)
	a := group(alex).as(alex)
	r := e.do(a, subscribeInbox)
	a.cookies = r.Result().Cookies()
	var names []string
	for _, c := range a.cookies {
		names = append(names, c.Name)
	}
	if !slices.Equal(names, []string{"exchangecookie", "X-BackEndCookie", "X-BackEndOverrideCookie"}) {
		t.Fatalf("the first Subscribe sets %v", names)
	}
	if c := a.cookies[2]; c.Value != one+"~1943309328" || c.Path != "/" || !c.Secure || !c.HttpOnly {
		t.Errorf("the cookie is %v", c)
	}
	if r := e.do(a.as(kim), subscribeInbox); r.code != "NoError" || len(r.Result().Cookies()) != 0 {
		t.Errorf("the second Subscribe sets %v: %s", r.Result().Cookies(), r.Body)
	}
	plain := ask{impersonate: alex}
	if r := e.do(plain, subscribeInbox); len(r.Result().Cookies()) != 0 {
		t.Error("a Subscribe without affinity sets cookies")
	}
}

func TestRequestsGoToTheMailboxOrTheAnchorOrTheCookie(t *testing.T) {
	e := newEdge(t, nil)
	own := ask{account: kim}
	e.subscribed(&own, two)
	impersonated := ask{impersonate: alex}
	e.subscribed(&impersonated, one)
	anchored := ask{impersonate: alex, anchor: kim}
	e.subscribed(&anchored, two)
	anchor := group(kim).as(kim)
	e.subscribed(&anchor, two)
	member := anchor.as(alex)
	member.anchor = alex // the cookie wins
	e.subscribed(&member, two)
	unwanted := member
	unwanted.affinity = false // and counts for those alone who want affinity
	e.subscribed(&unwanted, one)
	asHeader := group(alex).as(alex) // as exchangelib has it
	asHeader.header = map[string]string{"X-BackEndOverrideCookie": two + "~1"}
	e.subscribed(&asHeader, two)
	madeUp := group(alex).as(alex)
	madeUp.cookies = []*http.Cookie{{Name: "X-BackEndOverrideCookie", Value: "nowhere.fake.test~1"}}
	e.subscribed(&madeUp, one)
	nobody := ask{impersonate: alex, anchor: "nobody@contoso.test"}
	e.want(e.do(nobody, subscribeInbox), 500, "ErrorNonExistentMailbox")
}

func TestTheCookieHoldsWhereTheAnchorHasGone(t *testing.T) {
	e := newEdge(t, nil)
	a := group(alex).as(alex)
	id := e.subscribed(&a, one)
	if err := e.s.FailOver(alex, two); err != nil {
		t.Fatal(err)
	}
	lost := a
	lost.cookies = nil
	e.want(e.do(lost, unsubscribe(id)), 200, "ErrorSubscriptionNotFound")
	r := e.do(lost, listen(id))
	e.want(r, 200, "ErrorInvalidSubscription")
	if !strings.Contains(r.Body.String(), id) {
		t.Error("the answer does not say which subscription")
	}
	e.s.SetLostAffinity(true)
	for _, body := range []string{unsubscribe(id), listen(id)} {
		r := e.do(lost, body)
		e.want(r, 500, "ErrorInvalidRequest")
		if !strings.Contains(r.Body.String(), "EWS could not contact the appropriate CAS server for this request.") {
			t.Errorf("the fault says %s", r.Body)
		}
	}
	e.want(e.do(a, unsubscribe(id)), 200, "NoError")
	if e.s.FailOver(alex, other) == nil || e.s.FailOver(alex, "nowhere") == nil || e.s.FailOver("nobody", one) == nil {
		t.Error("a fail-over that cannot be was done")
	}
}

// What was seen where a program copied one cookie by hand, with OAuth: StackOverflow 62434351.
func TestAContainerOfWhichOneCookieWasTakenIsRefused(t *testing.T) {
	e := newEdge(t, nil)
	e.s.SetWholeContainer(true)
	a := group(alex).as(alex)
	a.header = map[string]string{"Authorization": "Bearer token"}
	e.subscribed(&a, one)
	member := a.as(kim)
	e.subscribed(&member, one)
	copied := a.as(kim)
	copied.cookies = slices.DeleteFunc(slices.Clone(a.cookies), func(c *http.Cookie) bool { return c.Name != "X-BackEndOverrideCookie" })
	e.want(e.do(copied, subscribeInbox), 500, "ErrorInvalidRequest")
	copied.header = map[string]string{"Authorization": "Basic x"}
	e.subscribed(&copied, one)
}

func TestAnotherGroupingIsOutOfReach(t *testing.T) {
	e := newEdge(t, nil)
	a := group(alex).as(alex)
	e.subscribed(&a, one)
	e.want(e.do(a.as(room), subscribeInbox), 500, "ErrorProxyRequestNotAllowed")
	alone := ask{impersonate: room}
	e.subscribed(&alone, other)
}

func TestAMailboxIsServedAtItsURL(t *testing.T) {
	e := newEdge(t, nil)
	if err := e.s.SetBackEnd(exchange.BackEnd{Name: other, Grouping: "AM0PR01", URL: "https://elsewhere.fake.test/EWS/Exchange.asmx"}); err != nil {
		t.Fatal(err)
	}
	a := ask{impersonate: room}
	e.want(e.do(a, subscribeInbox), 500, "ErrorProxyRequestNotAllowed")
	a.host = "elsewhere.fake.test"
	e.subscribed(&a, other)
	if entry, ok := e.s.Lookup("Room@contoso.test"); !ok || entry.EWSURL != "https://elsewhere.fake.test/EWS/Exchange.asmx" || entry.Grouping != "AM0PR01" || entry.DisplayName != "Room" {
		t.Errorf("Autodiscover says %+v", entry)
	}
}

func TestAMailboxMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, nil)
		a := group(alex).as(alex)
		kept, lost := e.subscribed(&a, one), ""
		member := a.as(kim)
		lost = e.subscribed(&member, one)
		st := e.stream(a, kept, lost)
		synctest.Wait()
		if err := e.s.MoveMailbox(kim, other, time.Minute); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if text, over := st.now(); over || !strings.Contains(text, "ErrorMailboxMoveInProgress") || !strings.Contains(text, lost) || strings.Contains(text, kept) {
			t.Errorf("over: %v; the stream of both says %s", over, text)
		}
		e.want(e.do(a, listen(kept, lost)), 200, "ErrorInvalidSubscription")
		e.want(e.do(member, subscribeInbox), 200, "ErrorMailboxMoveInProgress")
		if entry, _ := e.s.Lookup(kim); entry.Grouping != "VE1PR03" || e.s.Home(kim) != two {
			t.Errorf("on its way it is in %+v, %s", entry, e.s.Home(kim))
		}
		time.Sleep(time.Minute) // synctest: virtual
		e.want(e.do(member, subscribeInbox), 500, "ErrorProxyRequestNotAllowed")
		if entry, _ := e.s.Lookup(kim); entry.Grouping != "AM0PR01" || e.s.Home(kim) != other {
			t.Errorf("it has moved to %+v, %s", entry, e.s.Home(kim))
		}
		regrouped := group(kim).as(kim)
		e.subscribed(&regrouped, other)
		e.want(e.do(a, unsubscribe(kept)), 200, "NoError")
		st.wait(time.Minute)
		if e.s.MoveMailbox("nobody", one, 0) == nil || e.s.MoveMailbox(kim, "nowhere", 0) == nil || e.s.SetBackEnd(exchange.BackEnd{}) == nil {
			t.Error("what cannot be was done")
		}
	})
}

func TestAKilledBackEndTakesWhatItHasWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, nil)
		a, b := group(alex).as(alex), group(kim).as(kim)
		dead, alive := e.subscribed(&a, one), e.subscribed(&b, two)
		first, second := e.stream(a, dead), e.stream(b, alive)
		synctest.Wait()
		if err := e.s.KillBackEnd(one); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if text, over := first.now(); !over || strings.Contains(text, "Closed") {
			t.Errorf("over: %v; the stream of the dead one ends with %s", over, text)
		}
		if _, over := second.now(); over {
			t.Error("the stream of another one ended")
		}
		if got := e.s.BackEnds(); !got[0].Dead || got[0].Mailboxes != 0 || got[0].Subscriptions != 0 || got[1].Mailboxes != 2 || got[1].Subscriptions != 1 {
			t.Errorf("back-ends %+v", got)
		}
		e.want(e.do(a, listen(dead)), 200, "ErrorInvalidSubscription")
		a.cookies = nil
		e.subscribed(&a, two) // it has failed over

		// Where there is nobody to take over there is nobody to ask.
		if err := e.s.KillBackEnd(other); err != nil {
			t.Fatal(err)
		}
		e.want(e.do(ask{impersonate: room}, subscribeInbox), 500, "ErrorNoRespondingCASInDestinationSite")
		e.want(e.do(ask{impersonate: room}, unsubscribe(alive)), 500, "ErrorNoRespondingCASInDestinationSite")
		if err := e.s.FailOver(kim, one); err != nil {
			t.Fatal(err)
		}
		e.want(e.do(b, subscribeInbox), 500, "ErrorNoRespondingCASInDestinationSite") // from a server that lives
		if err := e.s.ReviveBackEnd(other); err != nil {
			t.Fatal(err)
		}
		back := ask{impersonate: room}
		e.subscribed(&back, other)
		if e.s.KillBackEnd("nowhere") == nil || e.s.ReviveBackEnd("nowhere") == nil {
			t.Error("there is no such back-end")
		}
		second.wait(time.Minute)
	})
}

func TestALostCookieIsIssuedAnew(t *testing.T) {
	e := newEdge(t, nil)
	a := group(alex).as(alex)
	e.subscribed(&a, one)
	if err := e.s.KillBackEnd(one); err != nil {
		t.Fatal(err)
	}
	r := e.do(a, subscribeInbox)
	if i := slices.IndexFunc(r.Result().Cookies(), func(c *http.Cookie) bool { return c.Name == "X-BackEndOverrideCookie" && c.Value == two+"~1943309328" }); i < 0 {
		t.Errorf("cookies %v", r.Result().Cookies())
	}
}
