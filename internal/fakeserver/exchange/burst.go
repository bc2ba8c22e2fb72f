package exchange

import "strings"

// change changes the items, and says what events the service makes of it. Their order, and which there are, is as seen
// of the service: new mail is a triple, calendar items come in pairs with their free/busy time, and every change of a
// folder's items changes the folder.
func (m *mailbox) change(c Change, in, to *folder) []*event {
	it := m.items[c.ID]
	was := it != nil && it.unread
	switch c.Kind {
	case Created, NewMail, Updated:
		it = m.put(c.ID, c, in)
	case Deleted:
		m.take(it)
	case SoftDeleted, Moved:
		m.take(it)
		m.put(c.NewID, c, to)
	case Copied:
		m.put(c.NewID, c, to)
	}
	if c.Kind != FreeBusyChanged {
		in.version++
	}
	if to != nil && (c.Kind == Moved || c.Kind == Copied) {
		to.version++
	}
	key := ChangeKey(c.Version)
	item := func(kind string) *event { return &event{kind: kind, id: ref{c.ID, key}, parent: in, in: in.ref()} }
	calendar := isCalendar(in.class)
	var events []*event
	switch c.Kind {
	case Created, NewMail:
		events = append(events, item(eventCreated))
		switch {
		case c.Kind == NewMail || in.distinguished == "inbox":
			events = append(events, item(eventNewMail))
		case calendar:
			events = append(events, item(eventFreeBusy))
		}
		events = append(events, in.modified())
	case Updated:
		events = append(events, item(eventModified))
		if calendar {
			// Twice: the service writes an appointment more than once, and says so.
			events = append(events, item(eventFreeBusy), item(eventModified), item(eventFreeBusy))
		}
		if calendar || it.unread != was {
			events = append(events, in.modified())
		}
	case FreeBusyChanged:
		events = append(events, item(eventFreeBusy))
	case Deleted:
		events = append(events, item(eventDeleted), in.modified())
	case SoftDeleted:
		away := moved(eventMoved, c, in, to)
		away.scope = namedOnly
		gone, found := item(eventDeleted), item(eventDeleted)
		all := m.folder(allItems)
		gone.scope, found.scope = allOnly, allOnly
		found.parent, found.in = all, all.ref()
		events = append(events, away, gone, found, in.modified())
	case Moved:
		events = append(events, moved(eventMoved, c, in, to), in.modified(), to.modified())
	case Copied:
		events = append(events, moved(eventCopied, c, in, to), to.modified())
	}
	return events
}

// moved is a move or a copy: the item is known by its new id.
func moved(kind string, c Change, from, to *folder) *event {
	old := ref{c.ID, ChangeKey(c.Version)}
	return &event{
		kind: kind, id: ref{c.NewID, ChangeKey(c.Version)}, parent: to, in: to.ref(),
		old: old, oldParent: from, oldIn: from.ref(),
	}
}

// modified is the event of a folder whose items have changed.
func (f *folder) modified() *event {
	unread := f.unread
	return &event{kind: eventModified, folder: f, id: f.ref(), parent: f.parent, in: f.parent.ref(), unread: &unread}
}

// put makes an item or changes it, and counts.
func (m *mailbox) put(id string, c Change, in *folder) *item {
	it, ok := m.items[id]
	if !ok {
		it = &item{id: id, created: m.seq + 1}
		m.items[id] = it
	} else {
		it.folder.remove(it)
	}
	in.noteItem(it, c.Data)
	it.key, it.data, it.folder, it.changed = ChangeKey(c.Version), c.Data, in, m.seq+1
	it.unread = strings.HasPrefix(in.class, "IPF.Note") && string(c.Data["IsRead"]) != "true"
	in.items[id] = it
	if it.unread {
		in.unread++
	}
	return it
}

// take removes an item; nil is none.
func (m *mailbox) take(it *item) {
	if it != nil {
		it.folder.remove(it)
		it.folder.journal.note(it.id, left)
		delete(m.items, it.id)
	}
}

func (f *folder) remove(it *item) {
	delete(f.items, it.id)
	if it.unread {
		f.unread--
	}
}

func isCalendar(class string) bool { return strings.HasPrefix(class, "IPF.Appointment") }
