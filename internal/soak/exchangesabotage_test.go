//go:build sabotage

package soak

// exchangeSabotages are those of the client of Exchange Web Services.
var exchangeSabotages = []sabotage{
	{
		name: "what Exchange missed is not announced", file: "outlookstream/ews/deliver.go",
		old:    "		return g.missed(said, members)",
		new:    "		return nil",
		caught: "lost silently",
		seed:   "3",
	},
	{
		name: "a stream that is opened again is not announced", file: "outlookstream/ews/group.go",
		old:    "			m.owed = outlookstream.ErrReconnected",
		new:    "			_ = m",
		caught: "lost silently|before a Resync",
	},
	{
		name: "the cookies are thrown away with the token", file: "outlookstream/ews/call.go",
		old:    "		challenge = service.Claims(resp.Header.Values(\"WWW-Authenticate\"))",
		new:    "		s.pool = s.client.newPool()",
		caught: "without the cookie",
	},
	{
		name: "BackOffMilliseconds is ignored", file: "outlookstream/ews/refusal.go",
		old:    "			return time.Duration(max(0, min(ms, int64(service.MaxRetryAfter/time.Millisecond)))) * time.Millisecond",
		new:    "			return time.Duration(0 * ms)",
		caught: "before the service had said",
	},
	{
		name: "subscriptions that are gone are kept", file: "outlookstream/ews/group.go",
		old:    "func (g *group) Forget(err error) {",
		new:    "func (g *group) Forget(err error) {\n	return",
		caught: "not live|attempts in an hour",
	},
	{
		name: "an end without Closed is a clean one", file: "outlookstream/ews/stream.go",
		old:    "		err = errNoGoodbye",
		new:    "		return io.EOF",
		caught: "taken for a clean one",
		seed:   "8",
	},
	{
		name: "a mailbox that has moved is not looked for", file: "outlookstream/ews/departing.go",
		old:    "	if err := w.searchLater(d.mailbox, nil); err != nil {",
		new:    "	if err := error(nil); err == nil {",
		caught: "not live",
		seed:   "8",
	},
	{
		name: "streams of Exchange are not closed", file: "outlookstream/ews/stream.go",
		old:    "	st.endedAt = time.Now()\n	st.cancel(net.ErrClosed)",
		new:    "	st.endedAt = time.Now()\n	return nil\n	st.cancel(net.ErrClosed)",
		caught: "a stream is open|left|silent for",
	},
	{
		name: "an event is taken for another kind", file: "outlookstream/ews/kinds.go",
		old:    "		return outlookstream.Deleted, true",
		new:    "		return outlookstream.Updated, true",
		caught: "is updated",
	},
	{
		name: "an NTLM connection is not known again", file: "outlookstream/ews/ntlm.go",
		old:    "	if known {\n		if resp, err = conn.RoundTrip(r)",
		new:    "	if known = false; known {\n		if resp, err = conn.RoundTrip(r)",
		caught: "handshakes of NTLM over",
	},
	{
		name: "of what is asked for no more than one event is taken", file: "outlookstream/ews/pulling.go",
		old:    "		for _, e := range result.Events {",
		new:    "		for _, e := range result.Events[:min(1, len(result.Events))] {",
		caught: "lost silently|not live",
	},
	{
		name: "the log says what authorizes", file: "outlookstream/ews/call.go",
		old:    "	outcome, challenge := unanswered, \"\"",
		new:    "	outcome, challenge := unanswered, \"\"\n	s.client.opts.Logger.Debug(\"request\", \"authorization\", g.authorization)",
		caught: "secrets are in the log",
	},
}
