package exchange

import (
	"slices"
	"strconv"
)

// What a server, or a request in an old version, does not have yet.

const (
	// streamingSince is the first version with streaming subscriptions, and with FreeBusyChangedEvent.
	streamingSince = "Exchange2010_SP1"
	// allFoldersSince is the first version with SubscribeToAllFolders.
	allFoldersSince = "Exchange2010"
)

// SetVersion makes the server another one from the next request on: it has been upgraded.
func (s *Server) SetVersion(v ServerVersion) { s.version.Store(&v) }

// SetStreamless makes the server one that takes the version of a request and knows no streams: whatever has to do with
// them is answered with code. That is a fault, but for ErrorInvalidSubscriptionRequest, which is a message, and a number,
// which is a bare HTTP status. "" takes it back.
func (s *Server) SetStreamless(code string) { s.streamless.Store(&code) }

// checkAge refuses what the version of the request has not, and streams if there are none.
func (c *call) checkAge() (*failure, bool) {
	n := c.request
	switch c.operation {
	case "GetStreamingEvents":
		return c.streams(n), false
	case "Subscribe":
		n = n.children[0]
	default:
		return nil, false
	}
	if n.name.Local == "StreamingSubscriptionRequest" {
		if f := c.streams(n); f != nil {
			return f, false
		}
	}
	if _, has := n.attr("SubscribeToAllFolders"); has && older(c.version, allFoldersSince) {
		return c.tooNew("attribute 'SubscribeToAllFolders'", allFoldersSince), false
	}
	isFreeBusy := func(t *node) bool { return t.value() == "FreeBusyChangedEvent" }
	if types := n.child(nsTypes, "EventTypes"); slices.ContainsFunc(types.children, isFreeBusy) && older(c.version, streamingSince) {
		return c.tooNew("event type 'FreeBusyChangedEvent'", streamingSince), false
	}
	return nil, false
}

// streams says what is wrong with a request that has to do with them.
func (c *call) streams(n *node) *failure {
	if code := c.server.streamless.Load(); code != nil && *code != "" {
		return streamlessFailure(*code, n)
	}
	if older(c.version, streamingSince) {
		return c.tooNew("element "+quoted(n), streamingSince)
	}
	return nil
}

func streamlessFailure(code string, n *node) *failure {
	if status, err := strconv.Atoi(code); err == nil {
		return httpFailure(status, nil)
	}
	if code == codeInvalidSubscriptionReq {
		return fail(code)
	}
	return faultf(code, "The request is invalid: there is no %s.", quoted(n))
}

// tooNew is what a request gets for something that came with a later version than its own. That a server who knows it
// says so in this way is documented; that one who does not takes it for a matter of the schema is how schemas work.
func (c *call) tooNew(what, since string) *failure {
	if older(c.server.is().Schema, since) {
		return faultf(codeSchemaValidation, "The request failed schema validation: the %s is not declared.", what)
	}
	return faultf(codeIncorrectSchemaVersion, "The %s is there since version %s.", what, since)
}
