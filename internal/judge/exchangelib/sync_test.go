//go:build exchangelib

package exchangelib

import (
	"slices"

	"github.com/calwatch/calwatch/internal/fakeserver"
)

func syncs(w *world) {
	m := members[1]
	change := func(kind, id, data string) {
		c := fakeserver.Change{User: m, Resource: "me/mailfolders('sentitems')/messages", ChangeType: kind, ID: id}
		if data != "" {
			c.Data = []byte(data)
		}
		w.change(c)
	}
	state := ""
	sync := func(want ...string) {
		w.Helper()
		var got []string
		o := order{Do: "sync", Mailbox: m, Folders: []string{"sent"}, State: state, Page: 3, Fields: []string{"id", "changekey", "subject"}}
		state = w.do(o, func(l line) {
			w.changes++
			text := l.Change.Type + " " + l.Change.ID + " " + l.Change.Text
			if l.Change.Read != nil && *l.Change.Read {
				text += "read"
			}
			got = append(got, text)
		}).State
		slices.Sort(got)
		if !slices.Equal(got, want) || state == "" {
			w.Errorf("%q, want %q; state %q", got, want, state)
		}
	}
	var first []string
	for _, id := range []string{"AAMka", "AAMkb", "AAMkc", "AAMkd", "AAMke", "AAMkf", "AAMkg"} {
		change("Created", id, `{"Subject":"about `+id+`"}`)
		first = append(first, "create "+id+" about "+id)
	}
	sync(first...)
	sync()
	change("Updated", "AAMka", `{"IsRead":true}`)
	change("Updated", "AAMkb", `{"Subject":"changed"}`)
	change("Deleted", "AAMkc", "")
	change("SoftDeleted", "AAMkd", "")
	w.change(fakeserver.Change{User: m, Resource: "me/mailfolders('sentitems')/messages", ChangeType: "Moved", ID: "AAMke", To: "me/messages"})
	change("Created", "AAMkh", `{"Subject":"new"}`)
	change("Created", "AAMki", "")
	change("Deleted", "AAMki", "")
	sync("create AAMkh new", "delete AAMkc ", "delete AAMkd ", "delete AAMke ", "read_flag_change AAMka read", "update AAMkb changed")

	var found []string
	w.do(order{Do: "items", Mailbox: m, Folders: []string{"sent"}}, func(l line) { found = append(found, l.Change.ID+" "+l.Change.Text) })
	slices.Sort(found)
	if want := []string{"AAMka about AAMka", "AAMkb changed", "AAMkf about AAMkf", "AAMkg about AAMkg", "AAMkh new"}; !slices.Equal(found, want) {
		w.Errorf("the folder has %q, want %q", found, want)
	}
	w.fails(order{Do: "sync", Mailbox: m, Folders: []string{"sent"}, State: state[:len(state)/2], Page: 3}, "ErrorInvalidSyncStateData")
	w.s.Exchange().ForgetSyncStates(m)
	w.fails(order{Do: "sync", Mailbox: m, Folders: []string{"sent"}, State: state, Page: 3}, "ErrorInvalidSyncStateData")
	syncsFolders(w)
}

func syncsFolders(w *world) {
	m := members[1]
	state := ""
	sync := func() (got []string) {
		w.Helper()
		state = w.do(order{Do: "sync_hierarchy", Mailbox: m, Folders: []string{"root"}, State: state}, func(l line) {
			w.changes++
			got = append(got, l.Change.Type+" "+l.Change.Text)
		}).State
		return got
	}
	if got := sync(); !slices.Contains(got, "create Inbox") || !slices.Contains(got, "create Calendar") {
		w.Errorf("at first %q", got)
	}
	if _, err := w.s.Exchange().CreateFolder(m, folder("Projects"), folder("inbox")); err != nil {
		w.Fatal(err)
	}
	if err := w.s.Exchange().RenameFolder(m, folder("Projects"), "Archive"); err != nil {
		w.Fatal(err)
	}
	if got := sync(); !slices.Equal(got, []string{"create Archive"}) {
		w.Errorf("after a folder was made: %q", got)
	}
	if err := w.s.Exchange().DeleteFolder(m, folder("Archive")); err != nil {
		w.Fatal(err)
	}
	if got := sync(); !slices.Equal(got, []string{"delete "}) {
		w.Errorf("after it was deleted: %q", got)
	}
}
