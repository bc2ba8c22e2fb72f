package exchange

import (
	"strconv"
	"strings"
)

// syncItems serves SyncFolderItems.
func (s *Server) syncItems(c *call) {
	content, f := s.itemsSince(c)
	if f != nil {
		// The service writes this in its errors, too.
		content = "<m:SyncState/><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange>"
	}
	c.respond(c.operation, message{failure: f, content: content})
}

func (s *Server) itemsSince(c *call) (string, *failure) {
	found, f := s.openFolder(c, c.request.child(nsMessages, "SyncFolderId").children[0])
	switch {
	case f != nil && f.code == codeFolderNotFound:
		return "", fail(codeSyncFolderNotFound)
	case f != nil:
		return "", f
	case found.search():
		return "", fail(codeInvalidFolderType)
	}
	limit, _ := strconv.Atoi(c.request.child(nsMessages, "MaxChangesReturned").value())
	shape := shapeOf(c.request.child(nsMessages, "ItemShape"))
	ignored := make(map[string]bool)
	for _, n := range c.request.child(nsMessages, "Ignore").all() {
		id, _ := n.attr("Id")
		ignored[id] = true
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	state, ok := parseSyncState(c.request.child(nsMessages, "SyncState").value(), found.mailbox.syncEpoch, found.id)
	if !ok {
		return "", fail(codeInvalidSyncState)
	}
	p, ok := found.journal.pageOf(state, limit)
	if !ok {
		return "", fail(codeInvalidSyncState)
	}
	var b strings.Builder
	for _, d := range p.differences {
		if !ignored[d.id] {
			found.writeDifference(&b, d, shape)
		}
	}
	return p.content("Item", b.String()), nil
}

// content is that of a response message: the changes of what, Item or Folder.
func (p syncPage) content(what, changes string) string {
	return tag("m:SyncState", p.state.String()) +
		within("m:IncludesLast"+what+"InRange", boolText(p.last)) + within("m:Changes", changes)
}

// writeDifference tells of one item. What is said of it is how it is now, which may be later than what it is told for;
// of one that has gone meanwhile there is no more than the id.
func (f *folder) writeDifference(b *strings.Builder, d difference, s shape) {
	it := f.items[d.id]
	name, _ := kindOf(f.class)
	switch d.what {
	case left:
		b.WriteString("<t:Delete>")
		writeRef(b, "ItemId", ref{d.id, longKey(ChangeKey(0))})
		b.WriteString("</t:Delete>")
	case marked:
		b.WriteString("<t:ReadFlagChange>")
		r := ref{d.id, longKey(ChangeKey(0))}
		read := false
		if it != nil {
			r, read = it.ref(), isRead(it.data)
		}
		writeRef(b, "ItemId", r)
		b.WriteString(tag("t:IsRead", boolText(read)) + "</t:ReadFlagChange>")
	default:
		element := "t:Create"
		if d.what == modified {
			element = "t:Update"
		}
		b.WriteString("<" + element + ">")
		if it != nil {
			it.write(b, s)
		} else {
			b.WriteString("<t:" + name + ">")
			writeRef(b, "ItemId", ref{d.id, longKey(ChangeKey(0))})
			b.WriteString("</t:" + name + ">")
		}
		b.WriteString("</" + element + ">")
	}
}

// ForgetSyncStates makes every sync state of a mailbox invalid that was given out so far, as after a move of the mailbox or
// its recovery. It reports whether there is such a mailbox.
func (s *Server) ForgetSyncStates(address string) bool {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	m, ok := s.store.locked(address)
	if ok {
		m.syncEpoch++
	}
	return ok
}
