package fakeserver

import (
	"net/http"
)

const subscriptionType = "#Microsoft.OutlookServices.StreamingSubscription"

// subscriptionEntity is the answer to a subscription, member by member as the service gives it. There is no expiry in it.
type subscriptionEntity struct {
	Context    string `json:"@odata.context"`
	Type       string `json:"@odata.type"`
	ODataID    string `json:"@odata.id"`
	ID         string `json:"Id"`
	Resource   string `json:"Resource"`
	ChangeType string `json:"ChangeType"`
}

// subscribe serves POST subscriptions.
func (s *Server) subscribe(c *call) {
	sub, failure := s.makeSubscription(c)
	if failure != nil {
		c.fail(failure)
		return
	}
	base := c.base
	if c.fault != nil && c.fault.fault.Do == doOtherHost {
		base = otherBaseURL()
	}
	entity := subscriptionEntity{
		Context:    base + "/$metadata#" + c.via + "/Subscriptions/$entity",
		Type:       subscriptionType,
		ODataID:    base + "/" + s.dir.segment(c.user) + "/Subscriptions('" + sub.id + "')",
		ID:         sub.id,
		Resource:   sub.resource,
		ChangeType: sub.changes.echo,
	}
	c.w.Header().Set("Location", entity.ODataID)
	writeJSON(c.w, http.StatusCreated, entity)
}

func (s *Server) makeSubscription(c *call) (*subscription, *apiError) {
	body, failure := parseBody(c.body, subscriptionType[1:], "@odata.type", "Resource", "ChangeType")
	if failure != nil {
		return nil, failure
	}
	kind, failure := body.text("@odata.type")
	if failure != nil {
		return nil, failure
	}
	if kind != subscriptionType {
		return nil, failf(http.StatusBadRequest, codeBadValue, "The value of '@odata.type' must be '%s'.", subscriptionType)
	}
	resource, failure := body.text("Resource")
	if failure != nil {
		return nil, failure
	}
	t, failure := s.dir.parseResource(resource, c.user)
	if failure != nil {
		return nil, failure
	}
	wanted, failure := body.text("ChangeType")
	if failure != nil {
		return nil, failure
	}
	changes, ok := parseChangeSet(wanted)
	if !ok {
		return nil, failf(http.StatusBadRequest, codeBadValue,
			"The value of 'ChangeType' must be a list of Created, Updated and Deleted.")
	}
	if !mayRead(c.grant, t.kind) {
		return nil, failf(http.StatusForbidden, codeAccessDenied, accessDenied)
	}
	return s.store.subscribe(c.user.User, t, resource, changes), nil
}

// unsubscribe serves DELETE subscriptions('id') and subscriptions/id. Both are documented for push notifications only;
// that they work here is our choice.
func (s *Server) unsubscribe(c *call) {
	id, _, _ := cutKey(c.path) // route has seen that there is one
	if failure := s.store.unsubscribe(c.user.User, id); failure != nil {
		c.fail(failure)
		return
	}
	c.w.WriteHeader(http.StatusNoContent)
}
