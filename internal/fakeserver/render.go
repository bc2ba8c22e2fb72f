package fakeserver

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
)

// expiryLayout has seven fractional digits, as .NET writes them.
const expiryLayout = "2006-01-02T15:04:05.0000000Z"

// keepAliveElement has no spaces and this order of members: there are clients that compare bytes. On the wire the
// Status was "Ok"; the documentation prints "OK".
func (st *stream) keepAliveElement() []byte {
	status := st.server.opts.StatusOK
	if _, ok := st.shape(doOKUpperCase); ok {
		status = "OK"
	}
	return []byte(`{"@odata.type":"#Microsoft.OutlookServices.KeepAliveNotification","Status":` + string(marshal(status)) + `}`)
}

const unknownElement = `{"@odata.type":"#Microsoft.OutlookServices.FutureNotification","SubscriptionId":null,` +
	`"Payload":{"List":[{"a":"]}"},[],{}],"Text":"{\"value\":["}}`

// render makes a notification. It is padded to size bytes if that is more than it has.
func (s *Server) render(n *notification, base string, expires time.Time, sequence int64, size int) []byte {
	var b object
	b.open()
	if n.kind != changeRemoved {
		b.member("@odata.type", "#Microsoft.OutlookServices.Notification")
		b.member("Id", nil) // of a notification itself; never used
	}
	b.member("SubscriptionId", n.sub.id)
	b.member("SubscriptionExpirationDateTime", expires.UTC().Format(expiryLayout))
	if n.kind != changeRemoved {
		b.member("SequenceNumber", sequence)
	}
	b.member("ChangeType", string(n.kind))
	switch {
	case n.kind == changeRemoved:
		b.member("Error", struct {
			Message string
			Code    string
		}{"The subscription was removed because the state of the account has changed.", "AccountStateChanged"})
	case n.kind.ofItem():
		kind := n.sub.target.kind
		url := base + "/" + s.dir.segment(n.sub.target.account) + "/" + kind.set + "('" + n.itemID + "')"
		b.member("Resource", url)
		b.name("ResourceData")
		b.open()
		b.member("@odata.type", "#Microsoft.OutlookServices."+kind.entity)
		b.member("@odata.id", url)
		b.member("@odata.etag", n.version)
		b.member("Id", n.itemID)
		b.selected(n.sub.target.selected, n.data)
		if missing := size - b.buf.Len() - len(`,"Padding":""}}`); missing > 0 {
			b.member("Padding", strings.Repeat("x", missing))
		}
		b.close()
	}
	b.close()
	return b.buf.Bytes()
}

// object writes JSON objects whose members have an order.
type object struct {
	buf   bytes.Buffer
	first bool
}

func (b *object) open() {
	b.buf.WriteByte('{')
	b.first = true
}

func (b *object) close() {
	b.buf.WriteByte('}')
	b.first = false
}

func (b *object) name(name string) {
	if !b.first {
		b.buf.WriteByte(',')
	}
	b.first = false
	b.buf.Write(marshal(name))
	b.buf.WriteByte(':')
}

func (b *object) member(name string, value any) {
	b.name(name)
	b.buf.Write(marshal(value))
}

// selected adds what $select names and the item has, as it was given but for white space.
func (b *object) selected(names []string, item properties) {
	seen := map[string]bool{"Id": true}
	for _, name := range names {
		name, raw, ok := item.get(name)
		if !ok || seen[name] {
			continue
		}
		seen[name] = true
		var compact bytes.Buffer
		if json.Compact(&compact, raw) != nil {
			continue // cannot be: it was parsed when it came in
		}
		b.name(name)
		b.buf.Write(compact.Bytes())
	}
}
