package ews

import (
	"slices"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

// depart takes note that a group could not keep a mailbox.
func (w *watch) depart(d *departure) error {
	key := d.mailbox.key()
	if w.homes[key] != d.membership {
		return nil // it has been removed meanwhile
	}
	delete(w.homes, key)
	w.owed[key] = d.owed
	if d.err != nil {
		return w.endMailbox(d.mailbox, d.err)
	}
	if d.stray {
		at := d.group.place
		at.alone = key
		return w.settle([]found{{mailbox: d.mailbox, place: at}})
	}
	if err := w.searchLater(d.mailbox, nil); err != nil {
		return err
	}
	if d.refused {
		w.patience[key].refusedAt(d.group.place)
	}
	return nil
}

// endMailbox gives a mailbox up; with the last one, the watch.
func (w *watch) endMailbox(m Mailbox, reason error) error {
	w.ended[m.key()] = true
	w.client.opts.Logger.Warn("mailbox given up", "mailbox", m.name(), "err", reason)
	if w.fixed && len(w.ended) == len(w.mailboxes) {
		return reason
	}
	return w.give(outlookstream.Event{Kind: outlookstream.Ended, Resource: m.name(), Received: time.Now(), Reason: reason})
}

// endGroup is called when a group has ended because of what no other attempt can
// mend, or, with no error, because it has no mailbox any more, or no server.
func (w *watch) endGroup(n news) error {
	w.groups = slices.DeleteFunc(w.groups, func(other *group) bool { return other == n.ended })
	var mailboxes []Mailbox
	for key, home := range w.homes {
		if home.group == n.ended {
			delete(w.homes, key)
			mailboxes = append(mailboxes, home.mailbox)
		}
	}
	slices.SortFunc(mailboxes, byAddress)
	for _, m := range mailboxes {
		if n.err == nil { // it may also have come when the group had just decided to end
			w.lost[m.key()] = time.Time{}
			if owed := n.owed[m.key()]; owed != nil {
				w.owed[m.key()] = owed
			}
			continue
		}
		if err := w.endMailbox(m, n.err); err != nil {
			return err
		}
	}
	return nil
}
