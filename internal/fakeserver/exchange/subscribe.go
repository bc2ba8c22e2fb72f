package exchange

import (
	"strconv"
	"time"
)

// subscriptionRequest is a checked Subscribe.
type subscriptionRequest struct {
	kind    subscriptionKind
	mailbox *mailbox
	folders map[*folder]bool // nil: all
	types   map[string]bool
	timeout time.Duration
	push    *pushTarget
	from    uint64 // where to begin, if resumed
	resumed bool
}

// subscribe serves Subscribe.
func (s *Server) subscribe(c *call) {
	req, f := s.readSubscribe(c)
	if f != nil {
		c.refuse(f)
		return
	}
	sub, f := s.makeSubscription(c, req)
	if f != nil {
		c.refuse(f)
		return
	}
	c.subscribed(c.w.Header())
	content := within("m:SubscriptionId", escape(sub.id))
	if sub.kind != streaming {
		content += tag("m:Watermark", watermarkOf(sub.start))
	}
	c.respond(c.operation, message{content: content})
	if sub.kind == push {
		s.startPush(sub)
	}
}

func (s *Server) readSubscribe(c *call) (subscriptionRequest, *failure) {
	req := subscriptionRequest{mailbox: c.mailbox, types: make(map[string]bool)}
	n := c.request.children[0]
	switch n.name.Local {
	case "PullSubscriptionRequest":
		req.kind, req.timeout = pull, minutes(n.child(nsTypes, "Timeout"))
	case "PushSubscriptionRequest":
		req.kind = push
		req.push = &pushTarget{
			url:        n.child(nsTypes, "URL").value(),
			callerData: n.child(nsTypes, "CallerData").value(),
			frequency:  minutes(n.child(nsTypes, "StatusFrequency")),
		}
	default:
		req.kind, req.timeout = streaming, s.opts.Expiry
	}
	for _, t := range n.child(nsTypes, "EventTypes").children {
		req.types[t.value()] = true
	}
	text, _ := n.attr("SubscribeToAllFolders")
	all, _ := parseBoolean(text)
	folders := n.child(nsTypes, "FolderIds")
	switch {
	case all && folders != nil:
		return req, failf(codeInvalidSubscriptionReq, "The subscription request is not valid: it has FolderIds, and SubscribeToAllFolders is true.")
	case !all && folders == nil:
		return req, failf(codeInvalidSubscriptionReq, "The subscription request is not valid: it names no folder, and SubscribeToAllFolders is not true.")
	case folders != nil:
		if f := s.readFolders(c, folders, &req); f != nil {
			return req, f
		}
	}
	if w := n.child(nsTypes, "Watermark"); w != nil {
		var ok bool
		if req.from, ok = parseWatermark(w.value()); !ok {
			return req, fail(codeInvalidWatermark)
		}
		req.resumed = true
	}
	return req, nil
}

// minutes is a number that the schema has checked.
func minutes(n *node) time.Duration {
	count, _ := strconv.Atoi(n.value())
	return time.Duration(count) * time.Minute
}

// readFolders finds the folders, which have to be of one mailbox.
func (s *Server) readFolders(c *call, ids *node, req *subscriptionRequest) *failure {
	req.folders = make(map[*folder]bool)
	var owner *mailbox
	for _, n := range ids.children {
		found, f := s.findFolder(c, n)
		if f != nil {
			return f
		}
		if owner != nil && found.mailbox != owner {
			return failf(codeInvalidSubscriptionReq, "The subscription request is not valid: its folders are of more than one mailbox.")
		}
		owner = found.mailbox
		req.folders[found] = true
	}
	if owner != c.mailbox {
		if !s.mayOpen(c.account, owner.address) {
			return fail(codeSubscriptionDelegate)
		}
		if f := c.reach(owner.address); f != nil {
			return f
		}
	}
	req.mailbox = owner
	return nil
}

func (s *Server) makeSubscription(c *call, req subscriptionRequest) (*subscription, *failure) {
	now := time.Now()
	st := s.store
	st.mu.Lock()
	defer st.mu.Unlock()
	st.sweep()
	if f := c.limitSubscriptions(len(req.mailbox.subs)); f != nil {
		return nil, f
	}
	sub := &subscription{
		id: newSubscriptionID(s.is(), c.backEnd, req.mailbox.id, now), kind: req.kind, owner: c.account.Name,
		mailbox: req.mailbox, backEnd: c.backEnd, folders: req.folders, types: req.types, created: now, timeout: req.timeout,
		push: req.push, expires: now.Add(req.timeout), start: req.mailbox.seq,
	}
	if req.resumed {
		if _, ok := req.mailbox.since(req.from); !ok {
			return nil, fail(codeInvalidWatermark)
		}
		sub.start = req.from
	}
	st.made++
	sub.number = st.made
	st.subs[sub.id] = sub
	req.mailbox.subs = append(req.mailbox.subs, sub)
	if sub.kind != push {
		st.expireAt(sub.expires)
	}
	return sub, nil
}
