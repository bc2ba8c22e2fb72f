package exchange_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
)

func TestImpersonationHasToBeGrantedWhereItIsLimited(t *testing.T) {
	e := newEdge(t, nil)
	a := ask{impersonate: alex}
	e.subscribed(&a, one) // it is not, at first
	e.s.LimitImpersonation(true)
	e.want(e.do(a, subscribeInbox), 500, "ErrorImpersonateUserDenied")
	e.s.GrantImpersonation(svc, "Alex@contoso.test")
	e.subscribed(&a, one)
	e.want(e.do(a.as(kim), subscribeInbox), 500, "ErrorImpersonateUserDenied")
	e.want(e.do(a.as("nobody@contoso.test"), subscribeInbox), 500, "ErrorNonExistentMailbox")
	e.s.GrantImpersonation(svc, exchange.EveryMailbox)
	k := a.as(kim)
	e.subscribed(&k, two)
	e.s.GrantImpersonation(svc)
	e.want(e.do(a, subscribeInbox), 500, "ErrorImpersonateUserDenied")
	e.s.LimitImpersonation(false)
	e.subscribed(&a, one)
}

func TestTheCreatorOwnsASubscriptionWhomeverItImpersonated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, nil)
		a := ask{impersonate: alex}
		id := e.subscribed(&a, one)
		mailboxOwner := ask{account: alex}
		e.want(e.do(mailboxOwner, unsubscribe(id)), 200, "ErrorSubscriptionAccessDenied")
		e.want(e.do(mailboxOwner, listen(id)), 200, "ErrorSubscriptionAccessDenied")
		st := e.stream(a, id)
		if st.wait(59 * time.Second) {
			t.Error("the creator's stream ended at once")
		}
		if !st.wait(2 * time.Second) {
			t.Error("the stream lasts longer than it was asked to")
		}
		// The account itself needs no mailbox for that, nor an anchor's impersonation.
		e.want(e.do(ask{anchor: alex}, unsubscribe(id)), 200, "NoError")
		e.want(e.do(ask{}, subscribeInbox), 500, "ErrorNonExistentMailbox")
		e.want(e.do(ask{account: app}, subscribeInbox), 500, "ErrorImpersonationRequired")
		applications := ask{account: app, impersonate: alex}
		e.subscribed(&applications, one)
	})
}

func TestAnotherPersonsFolderNeedsFullAccess(t *testing.T) {
	e := newEdge(t, nil)
	a := ask{account: alex}
	e.want(e.do(a, subscribeKim), 200, "ErrorSubscriptionDelegateAccessNotSupported")
	e.s.GrantFullAccess(alex, kim)
	e.want(e.do(a, subscribeKim), 200, "NoError")
	if err := e.s.MoveMailbox(kim, other, 0); err != nil {
		t.Fatal(err)
	}
	e.want(e.do(a, subscribeKim), 500, "ErrorProxyRequestNotAllowed")
	e.s.SetMailboxFailure(kim, "ErrorInvalidLicense")
	e.want(e.do(a, subscribeKim), 200, "ErrorInvalidLicense")
}

func TestAMailboxFailsForGood(t *testing.T) {
	e := newEdge(t, nil)
	a := ask{impersonate: kim}
	for code, status := range map[string]int{
		"ErrorInvalidLicense": 200, "ErrorAccessDenied": 200, "ErrorMailboxStoreUnavailable": 200,
		"ErrorImpersonationDenied": 500, "ErrorNonExistentMailbox": 500, "ErrorOrganizationAccessBlocked": 500,
	} {
		e.s.SetMailboxFailure(kim, code)
		e.want(e.do(a, subscribeInbox), status, code)
		other := a.as(alex)
		e.subscribed(&other, one)
	}
	e.s.SetMailboxFailure(kim, "")
	e.subscribed(&a, two)
}

func TestTheServiceCanBeClosedToOrganizationsApplicationsAndPrograms(t *testing.T) {
	const appID = "11111111-2222-3333-4444-555555555555"
	e := newEdge(t, nil)
	agent := func(name string) map[string]string { return map[string]string{"User-Agent": name} }
	person := ask{account: alex, header: agent("calwatch/1.0")}
	application := ask{account: app, impersonate: alex, header: agent("calwatch/1.0")}
	for name, test := range map[string]struct {
		access              exchange.Access
		person, application int
	}{
		"open":           {exchange.Access{}, 200, 200},
		"disabled":       {exchange.Access{Disabled: true}, 403, 403},
		"app allowed":    {exchange.Access{Apps: []string{"x", "11111111-2222-3333-4444-555555555555"}}, 200, 200},
		"app missing":    {exchange.Access{Apps: []string{"x"}}, 200, 403},
		"agent allowed":  {exchange.Access{AllowAgents: []string{"Calwatch*"}}, 200, 200},
		"agent missing":  {exchange.Access{AllowAgents: []string{"Outlook"}}, 403, 403},
		"agent blocked":  {exchange.Access{BlockAgents: []string{"calwatch"}}, 403, 403},
		"another agent":  {exchange.Access{BlockAgents: []string{"Outlook"}}, 200, 200},
		"disabled, app":  {exchange.Access{Disabled: true, Apps: []string{appID}}, 403, 403},
		"both, one good": {exchange.Access{AllowAgents: []string{"calwatch"}, Apps: []string{"x"}}, 200, 403},
	} {
		e.s.SetAccess(test.access)
		if r := e.do(person, subscribeInbox); r.status != test.person {
			t.Errorf("%s: a person gets %d, want %d", name, r.status, test.person)
		}
		if r := e.do(application, subscribeInbox); r.status != test.application {
			t.Errorf("%s: an application gets %d, want %d", name, r.status, test.application)
		}
	}
}
