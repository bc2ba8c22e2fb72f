package exchange

import (
	"encoding/json"
	"fmt"
)

// Kind is what a Change is.
type Kind string

// The kinds of change. Each makes as many events as the service makes of it; see burst.go.
const (
	Created         Kind = "Created"
	NewMail         Kind = "NewMail" // as Created, and it has arrived just now, wherever it is
	Updated         Kind = "Updated"
	Deleted         Kind = "Deleted"     // for good
	SoftDeleted     Kind = "SoftDeleted" // can be recovered
	Moved           Kind = "Moved"
	Copied          Kind = "Copied"
	FreeBusyChanged Kind = "FreeBusyChanged"
	// Missed and SubscriptionRemoved happen to the subscriptions that have the folder.
	Missed              Kind = "Missed"
	SubscriptionRemoved Kind = "SubscriptionRemoved"
)

// Folder names a folder of a mailbox: by its distinguished name, its id, or by a name of its own. One that there is not
// yet is made, as if it had always been there, under the top of the mailbox.
type Folder struct {
	Name  string
	Class string // of a folder that is made: "IPF.Note", "IPF.Appointment", ...
}

// Properties are an item's, each as JSON. They are never changed once they are here.
type Properties = map[string]json.RawMessage

// Change is a change that was made in a mailbox.
type Change struct {
	Mailbox string // address
	Kind    Kind
	Folder  Folder
	ID      string     // the item's; "" for Missed and SubscriptionRemoved
	Version int64      // the item's after the change, from 1; of Moved, Copied and SoftDeleted the new item's
	Data    Properties // the item's after the change; nil: none are known
	To      Folder     // of Moved and Copied
	NewID   string     // of Moved, Copied and SoftDeleted, as what is moved gets a new id
}

// Change tells of a change: it changes the items, and queues events in the subscriptions that want them.
func (s *Server) Change(c Change) error {
	st := s.store
	st.mu.Lock()
	defer st.mu.Unlock()
	st.sweep()
	m, ok := st.locked(c.Mailbox)
	if !ok {
		return fmt.Errorf("exchange: change: no mailbox %q", c.Mailbox)
	}
	in := st.need(m, c.Folder)
	switch c.Kind {
	case Missed, SubscriptionRemoved:
		st.trouble(m, in, c.Kind)
		return nil
	case Moved, Copied:
		st.publish(m, m.change(c, in, st.need(m, c.To)))
	default:
		st.publish(m, m.change(c, in, m.folder(dumpster)))
	}
	return nil
}

// FolderID is the id of a mailbox's folder, which is made if there is none; "" if there is no such mailbox.
func (s *Server) FolderID(mailbox string, f Folder) string {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	m, ok := s.store.locked(mailbox)
	if !ok {
		return ""
	}
	return s.store.need(m, f).id
}

// LookupFolder is the id of a mailbox's folder that there is, by its distinguished name, its id or a name of its own.
func (s *Server) LookupFolder(mailbox, name string) (string, bool) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	m, ok := s.store.locked(mailbox)
	if !ok {
		return "", false
	}
	f := m.folder(name)
	if f == nil {
		return "", false
	}
	return f.id, true
}

// need finds a folder, or makes it.
func (s *store) need(m *mailbox, f Folder) *folder {
	if found := m.folder(f.Name); found != nil {
		return found
	}
	made := m.addFolder("own "+f.Name, f.Name, f.Class, m.folder("msgfolderroot"))
	s.folders[made.id] = made
	return made
}

// trouble is what happens to subscriptions and to no item. Pull subscriptions lose nothing, so that only their end counts.
func (s *store) trouble(m *mailbox, in *folder, kind Kind) {
	for _, sub := range append([]*subscription(nil), m.subs...) {
		if sub.folders != nil && !sub.folders[in] {
			continue
		}
		switch {
		case kind == SubscriptionRemoved:
			s.end(sub, codeReadEventsFailed)
		case sub.kind == streaming:
			s.enqueue(sub, &event{kind: eventMissed})
		}
	}
}
