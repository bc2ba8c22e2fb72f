package fakeserver

import "strings"

// changeKind is a ChangeType as the wire spells it.
type changeKind string

const (
	changeCreated        changeKind = "Created"
	changeUpdated        changeKind = "Updated"
	changeDeleted        changeKind = "Deleted"
	changeMissed         changeKind = "Missed"
	changeAcknowledgment changeKind = "Acknowledgment" // obsolete, but still a value of the enumeration
	changeRemoved        changeKind = "SubscriptionRemoved"
)

// ofItem tells the changes of an item from what happens to a subscription as a whole.
func (k changeKind) ofItem() bool {
	return k == changeCreated || k == changeUpdated || k == changeDeleted
}

func parseChangeType(text string) (changeKind, bool) {
	for _, k := range []changeKind{
		changeCreated, changeUpdated, changeDeleted, changeMissed, changeAcknowledgment, changeRemoved,
	} {
		if strings.EqualFold(text, string(k)) {
			return k, true
		}
	}
	return "", false
}

// changeSet is what a subscription asked for.
type changeSet struct {
	kinds map[changeKind]bool
	echo  string
}

// parseChangeSet reads the ChangeType of a subscription request. Its echo is the requested values joined with ", ",
// plus Missed, which the service always adds.
func parseChangeSet(text string) (changeSet, bool) {
	set := changeSet{kinds: make(map[changeKind]bool)}
	var names []string
	for part := range strings.SplitSeq(text, ",") {
		kind, ok := parseChangeType(strings.TrimSpace(part))
		if !ok || kind == changeRemoved {
			return changeSet{}, false
		}
		if kind == changeMissed || set.kinds[kind] {
			continue
		}
		set.kinds[kind] = true
		names = append(names, string(kind))
	}
	if len(names) == 0 {
		return changeSet{}, false
	}
	set.echo = strings.Join(append(names, string(changeMissed)), ", ")
	return set, true
}
