package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/calwatch/calwatch/outlookstream/ews"
)

// mailboxes are those that are watched: those of the command line, and those of
// a file, which may come and go.
type mailboxes struct {
	session *session
	named   []string
	file    string // "": none
	folders []ews.Folder
}

// read returns all of them, as they are now.
func (m *mailboxes) read() ([]ews.Mailbox, error) {
	addresses := slices.Clone(m.named)
	if m.file != "" {
		more, err := readMailboxFile(m.file)
		if err != nil {
			return nil, fmt.Errorf("--mailbox-file: %w", err)
		}
		addresses = append(addresses, more...)
	}
	var all []ews.Mailbox
	seen := make(map[string]bool)
	for _, address := range addresses {
		if key := strings.ToLower(address); !seen[key] {
			seen[key] = true
			all = append(all, ews.Mailbox{Address: address, Folders: m.folders})
		}
	}
	if len(all) == 0 {
		all = append(all, ews.Mailbox{Folders: m.folders}) // that of who signs in
	}
	return all, nil
}

// follow makes a set what the file says whenever something is heard, until ctx
// ends. A file that cannot be used changes nothing.
func (m *mailboxes) follow(ctx context.Context, set *ews.Set, heard <-chan os.Signal) {
	for {
		select {
		case <-heard:
		case <-ctx.Done():
			return
		}
		if err := m.again(set); err != nil {
			m.session.log.Error("the mailboxes are the same as before", "err", err)
		}
	}
}

func (m *mailboxes) again(set *ews.Set) error {
	now, err := m.read()
	if err != nil {
		return err
	}
	before := set.Addresses()
	was, is := make(map[string]bool), make(map[string]bool)
	for _, address := range before {
		was[strings.ToLower(address)] = true
	}
	for _, mailbox := range now {
		is[strings.ToLower(mailbox.Address)] = true
	}
	// One that is spelled in another way is the same, and is left alone.
	added := slices.DeleteFunc(slices.Clone(now), func(mailbox ews.Mailbox) bool { return was[strings.ToLower(mailbox.Address)] })
	removed := slices.DeleteFunc(slices.Clone(before), func(address string) bool { return is[strings.ToLower(address)] })
	if err := set.Add(added...); err != nil {
		return err
	}
	set.Remove(removed...)
	m.session.log.Info("the mailboxes were read again", "file", m.file, "before", len(before), "now", len(now), "added", len(added), "removed", len(removed))
	return nil
}
