package exchange

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"
)

// horizon is how long the events of a mailbox are kept.
const horizon = 30 * 24 * time.Hour

// mailbox is guarded by its store, but for address, name and id.
type mailbox struct {
	address string
	name    string
	id      guid

	folders []*folder // in order of creation
	items   map[string]*item

	seq     uint64 // of the latest event; watermarks count in it
	log     []*event
	trimmed uint64 // seq of the latest event that is in the log no more
	subs    []*subscription

	hierarchy journal // of the folders
	syncEpoch int64   // sync states of another are no good
}

// folder is guarded by its store, but for mailbox and id.
type folder struct {
	mailbox       *mailbox
	id            string
	distinguished string // "" if it is not one that every mailbox has
	name          string // DisplayName
	class         string // FolderClass: IPF.Note
	parent        *folder
	version       int64
	items         map[string]*item
	unread        int
	deleted       bool
	journal       journal // of the items
}

// item is guarded by its store.
type item struct {
	id      string
	key     string // ChangeKey
	folder  *folder
	data    Properties // as the ledger has them; nil: nothing was said
	unread  bool
	created uint64 // seq of the event that made it
	changed uint64 // of the latest about it
	made    time.Time
	touched time.Time
}

// standard are the folders of every mailbox. A parent comes before its children.
var standard = []struct{ distinguished, name, class, parent string }{
	{"root", "", "", ""},
	{"msgfolderroot", "Top of Information Store", "IPF.Note", "root"},
	{"inbox", "Inbox", "IPF.Note", "msgfolderroot"},
	{"drafts", "Drafts", "IPF.Note", "msgfolderroot"},
	{"sentitems", "Sent Items", "IPF.Note", "msgfolderroot"},
	{"deleteditems", "Deleted Items", "IPF.Note", "msgfolderroot"},
	{"outbox", "Outbox", "IPF.Note", "msgfolderroot"},
	{"junkemail", "Junk Email", "IPF.Note", "msgfolderroot"},
	{"calendar", "Calendar", "IPF.Appointment", "msgfolderroot"},
	{"contacts", "Contacts", "IPF.Contact", "msgfolderroot"},
	{"tasks", "Tasks", "IPF.Task", "msgfolderroot"},
	{"notes", "Notes", "IPF.StickyNote", "msgfolderroot"},
	{"journal", "Journal", "IPF.Journal", "msgfolderroot"},
	{"searchfolders", "Finder", "", "root"},
	{allItems, "AllItems", "IPF", "searchfolders"},
	{"recoverableitemsroot", "Recoverable Items", "", "root"},
	{dumpster, "Deletions", "", "recoverableitemsroot"},
}

const (
	// dumpster is where a soft delete moves things.
	dumpster = "recoverableitemsdeletions"
	// allItems is the search folder that has everything. It has no distinguished name on the wire; this one is our choice.
	allItems = "allitems"
)

func newMailbox(m Mailbox) *mailbox {
	sum := sha256.Sum256([]byte(strings.ToLower(m.Address)))
	box := &mailbox{address: m.Address, name: m.Name, items: make(map[string]*item)}
	copy(box.id[:], sum[:])
	for _, f := range standard {
		made := box.addFolder(f.distinguished, f.name, f.class, box.folder(f.parent))
		made.distinguished = f.distinguished
	}
	return box
}

// addFolder makes a folder. The same mailbox, parent and unique name always give the same id, so that it is the same in
// every run.
func (m *mailbox) addFolder(unique, name, class string, parent *folder) *folder {
	sum := sha256.Sum256([]byte(strings.ToLower(m.address) + "\n" + unique))
	f := &folder{
		mailbox: m, name: name, class: class, parent: parent, version: 1, items: make(map[string]*item),
		// As long as real ids, of the same letters, ending in "AAA=".
		id: "AQMkADAw" + base64.StdEncoding.EncodeToString(append(append([]byte("\x00fake folder\x00"), sum[:]...), 0, 0, 0, 0)),
	}
	m.folders = append(m.folders, f)
	m.hierarchy.note(f.id, entered)
	return f
}

// folder finds one by its distinguished name, its id or, for the others, its name. nil: there is none.
func (m *mailbox) folder(name string) *folder {
	for _, f := range m.folders {
		if !f.deleted && name != "" && (f.distinguished == name || f.id == name || f.distinguished == "" && f.name == name) {
			return f
		}
	}
	return nil
}

// trim forgets the events that a watermark can no longer go back to.
func (m *mailbox) trim(now time.Time, keep int) {
	n := max(0, len(m.log)-keep-keep/8) // in lots, as it is copied
	if n > 0 {
		n = len(m.log) - keep
	}
	for n < len(m.log) && now.Sub(m.log[n].time) > horizon {
		n++
	}
	if n > 0 {
		m.trimmed = m.log[n-1].seq
		m.log = append([]*event(nil), m.log[n:]...)
	}
}

// since returns the events after a position; false if some of them are gone, or if it lies in the future.
func (m *mailbox) since(seq uint64) ([]*event, bool) {
	if seq < m.trimmed || seq > m.seq {
		return nil, false
	}
	return m.log[len(m.log)-int(m.seq-seq):], true
}

// ref is how the folder is named in an event now.
func (f *folder) ref() ref { return ref{f.id, ChangeKey(f.version)} }

// ChangeKey is the short one that events have, of a version that counts from 1. "CQAAAA==" is version 9.
func ChangeKey(version int64) string {
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], uint32(version))
	return base64.StdEncoding.EncodeToString(b[:])
}
