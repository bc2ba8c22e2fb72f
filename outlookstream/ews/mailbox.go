package ews

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Mailbox is what one subscription is about: folders of one mailbox.
type Mailbox struct {
	// Address is the mailbox's primary SMTP address, and the Resource of its
	// events. "" is the mailbox of who signs in, whose events have "me"; with
	// Options.Impersonate it must be set. Upper and lower case are the same.
	Address string
	// Folders are those to watch; none means all, which can be had of another
	// person's mailbox only with Options.Impersonate, and not of Exchange 2007. An id
	// and a distinguished name may be mixed.
	Folders []Folder
	// Grouping is its GroupingInformation, if that is known from elsewhere than
	// Autodiscover: mailboxes with the same one can share a stream. Default: "",
	// as all have that do not say. With Options.Discover it is not used.
	Grouping string
	// Events are the kinds to be told of; none means all seven, or, before Exchange
	// 2010 SP1, the six without FreeBusyChangedEvent.
	Events []EventType
}

// A Folder is named by its id or, if it is one that every mailbox has, by the
// service's name for it: "calendar", "inbox", "contacts", "tasks", "sentitems".
type Folder struct {
	ID            string // opaque, as in an Event
	ChangeKey     string // goes with ID; may be empty
	Distinguished string // the name; one of it and ID must be set
}

// Distinguished returns folders by the service's names for them. Whether there is
// one of that name the service says, when it is asked to watch it.
func Distinguished(names ...string) []Folder {
	folders := make([]Folder, len(names))
	for i, name := range names {
		folders[i] = Folder{Distinguished: name}
	}
	return folders
}

// name is how events, errors and logs call the mailbox.
func (m Mailbox) name() string {
	if m.Address == "" {
		return ownMailbox
	}
	return m.Address
}

// wants returns the version that came with what is to be watched, what that is,
// and what to do where there is none.
func (m Mailbox) wants() (since, what, instead string) {
	switch {
	case slices.Contains(m.Events, FreeBusyChangedEvent):
		return streamsSince, string(FreeBusyChangedEvent), "leave it out of Mailbox.Events"
	case len(m.Folders) == 0:
		return allFoldersSince, "watching all folders", "name folders (Mailbox.Folders)"
	default:
		return oldVersions[0], "", ""
	}
}

// ownMailbox is the Resource of events of a Mailbox without an Address.
const ownMailbox = "me"

func (m Mailbox) validate(impersonate bool) error {
	if m.Address == "" && impersonate {
		return errors.New("ews: a Mailbox needs an Address if Options.Impersonate is set")
	}
	if m.Address != "" && (!strings.Contains(m.Address, "@") || strings.ContainsAny(m.Address, " \t\r\n<>\"")) {
		return fmt.Errorf("ews: %q is not an SMTP address", m.Address)
	}
	if m.Address != "" && !impersonate && len(m.Folders) == 0 {
		return fmt.Errorf("ews: all folders of %s can be watched only as that mailbox, with Options.Impersonate: name folders, or leave the Address out if it is the mailbox of who signs in", m.Address)
	}
	for _, f := range m.Folders {
		if (f.ID == "") == (f.Distinguished == "") {
			return fmt.Errorf("ews: a Folder of %s needs either an ID or a Distinguished name", m.name())
		}
	}
	for _, e := range m.Events {
		if !e.known() {
			return fmt.Errorf("ews: %s: there is no event type %q", m.name(), e)
		}
	}
	return nil
}
