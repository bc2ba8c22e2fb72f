package fakeserver

import (
	"slices"
	"strings"

	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
)

// exchangeKinds are the change types that only Exchange Web Services tell apart, with what the REST half makes of them;
// "" is nothing. What is moved or copied is Created where it arrives, which is an entry of its own.
var exchangeKinds = map[exchange.Kind]changeKind{
	exchange.NewMail:         changeCreated,
	exchange.SoftDeleted:     changeDeleted,
	exchange.Moved:           changeDeleted,
	exchange.Copied:          "",
	exchange.FreeBusyChanged: "",
}

// parseExchangeKind finds what a ChangeType, in any case, is for either half.
func parseExchangeKind(text string) (exchange.Kind, changeKind, bool) {
	if kind, ok := parseChangeType(text); ok && kind != changeAcknowledgment {
		return exchange.Kind(kind), kind, true
	}
	for kind, rest := range exchangeKinds {
		if strings.EqualFold(text, string(kind)) {
			return kind, rest, true
		}
	}
	return "", "", false
}

// arrives says of which kinds something arrives in another folder.
func arrives(kind exchange.Kind) bool { return kind == exchange.Moved || kind == exchange.Copied }

// tellExchange has a change made in the Exchange half, too. Its mailboxes are this server's, so that there is always one.
func (s *Server) tellExchange(c exchange.Change) {
	if err := s.exchange.Change(c); err != nil {
		s.opts.Logger.Error("a change was not told to the Exchange half", "error", err)
	}
}

// exchangeFolders are the folders of what is in no other, by what is in them.
var exchangeFolders = map[string]exchange.Folder{
	"events":   {Name: "calendar", Class: "IPF.Appointment"},
	"messages": {Name: "inbox", Class: "IPF.Note"},
	"contacts": {Name: "contacts", Class: "IPF.Contact"},
	"tasks":    {Name: "tasks", Class: "IPF.Task"},
}

// exchangeFolder is the folder that a collection is the contents of. "me/messages" counts as the inbox.
func exchangeFolder(c collection) exchange.Folder {
	folder, rest, nested := strings.Cut(c.path, "')/")
	set := c.path
	if nested {
		set = rest
	}
	f := exchangeFolders[set]
	if nested {
		_, key, _ := strings.Cut(folder, "('")
		f.Name = strings.ReplaceAll(key, "''", "'")
	}
	return f
}

// LostSilentlyExchange is LostSilently for a program that watches folders of a user's mailbox over Exchange Web Services:
// it says which changes the program was never told of, neither by an event nor by a Resync afterwards. folders are
// distinguished names or ids; none means all. eventTypes are what the program subscribed to ("CreatedEvent"), by default
// all. An unknown user or folder panics, as the answer "nothing" would be a lie.
//
// In what was seen, Resource is the mailbox's address, or whatever is given as user; ChangeType is a Kind of an event or
// the name of an event of the service; ID is the item's new id where it has moved; and Version is the ChangeKey, which in
// this server's events tells one change of an item from the next. With it any event of the change will do; without
// it, it has to be of the change's own kind, and one accounts for one entry.
func (s *Server) LostSilentlyExchange(user string, folders []string, seen []Seen, eventTypes ...string) []Entry {
	me, ok := s.dir.find(user)
	if !ok {
		panic("fakeserver: LostSilentlyExchange: no account " + user)
	}
	var ids map[string]bool
	if len(folders) > 0 {
		ids = make(map[string]bool)
		for _, name := range folders {
			id, ok := s.exchange.LookupFolder(me.User, name)
			if !ok {
				panic("fakeserver: LostSilentlyExchange: no folder " + name + " of " + me.User)
			}
			ids[id] = true
		}
	}
	a := newExchangeAccount(user, me.User, seen)
	known := make(map[string]string) // what folders of the ledger are called here, by name
	watched := func(f exchange.Folder) bool {
		if _, ok := known[f.Name]; !ok {
			known[f.Name], _ = s.exchange.LookupFolder(me.User, f.Name)
		}
		return ids[known[f.Name]]
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	var lost []Entry
	for _, r := range slices.Backward(s.store.ledger) {
		if r.entry.Seq <= a.resynced {
			break
		}
		if r.owner != me.User || r.entry.MovedFrom != "" {
			continue // of somebody else, or the entry of its move says it
		}
		if ids != nil && !watched(r.folder) && !(arrives(r.exchange) && watched(r.to)) {
			continue
		}
		if r.exchange.OfItem() && (!exchange.Tells(r.exchange, r.folder.Name, r.folder.Class, eventTypes) || a.account(&r)) {
			continue
		}
		lost = append(lost, r.entry.clone())
	}
	slices.Reverse(lost)
	return lost
}

// exchangeAccount is what a program has seen.
type exchangeAccount struct {
	resynced int64
	exact    map[sighting]int64   // the latest LedgerSeq of each; kind is ""
	rough    map[sighting][]int64 // LedgerSeq of each, sorted; version is ""
}

func newExchangeAccount(user, address string, seen []Seen) exchangeAccount {
	a := exchangeAccount{exact: make(map[sighting]int64), rough: make(map[sighting][]int64)}
	for _, x := range seen {
		if x.Resource != "" && !strings.EqualFold(x.Resource, user) && !strings.EqualFold(x.Resource, address) {
			continue
		}
		if x.Resync {
			a.resynced = max(a.resynced, x.LedgerSeq)
			continue
		}
		if x.Version != "" {
			key := sighting{id: x.ID, version: x.Version}
			a.exact[key] = max(a.exact[key], x.LedgerSeq)
			continue
		}
		key := sighting{kind: roughKind(x.ChangeType), id: x.ID}
		a.rough[key] = append(a.rough[key], x.LedgerSeq)
	}
	for _, list := range a.rough {
		slices.Sort(list)
	}
	return a
}

// roughKind is the kind of change that an event is a sign of.
func roughKind(name string) changeKind {
	name = strings.ToLower(name)
	if short, ok := strings.CutSuffix(name, "event"); ok {
		name = short
	}
	switch name {
	case "created", "newmail", "copied":
		return changeCreated
	case "updated", "modified", "freebusychanged":
		return changeUpdated
	case "deleted":
		return changeDeleted
	}
	return changeKind(name) // moved, and what is no kind at all
}

// account says whether a change was seen, and uses the sighting up.
func (a exchangeAccount) account(r *record) bool {
	for _, id := range []string{r.entry.ID, r.entry.NewID} {
		if at, ok := a.exact[sighting{id: id, version: r.entry.ChangeKey}]; ok && at >= r.entry.Seq {
			return true
		}
	}
	for _, key := range signs(r) {
		if list := a.rough[key]; len(list) > 0 && list[len(list)-1] >= r.entry.Seq {
			a.rough[key] = list[:len(list)-1]
			return true
		}
	}
	return false
}

// signs are what a change shows itself by to a program that knows no versions.
func signs(r *record) []sighting {
	switch r.exchange {
	case exchange.NewMail:
		return []sighting{{kind: changeCreated, id: r.entry.ID}}
	case exchange.FreeBusyChanged:
		return []sighting{{kind: changeUpdated, id: r.entry.ID}}
	case exchange.Copied:
		return []sighting{{kind: changeCreated, id: r.entry.NewID}}
	case exchange.Moved:
		return []sighting{{kind: "moved", id: r.entry.NewID}}
	case exchange.SoftDeleted: // the one or the other, as the folder is watched by its name or with all others
		return []sighting{{kind: changeDeleted, id: r.entry.ID}, {kind: "moved", id: r.entry.NewID}}
	}
	return []sighting{{kind: changeKind(r.exchange), id: r.entry.ID}}
}
