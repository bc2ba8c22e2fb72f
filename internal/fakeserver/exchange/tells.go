package exchange

import "slices"

// OfItem tells the changes of an item from what happens to subscriptions.
func (k Kind) OfItem() bool { return k != Missed && k != SubscriptionRemoved }

// Tells says whether a change in a folder makes events, about an item, of one of some types; none means of any.
func Tells(k Kind, folder, class string, types []string) bool {
	events := map[Kind][]string{
		Created:         {eventCreated},
		NewMail:         {eventCreated, eventNewMail},
		Updated:         {eventModified},
		Deleted:         {eventDeleted},
		SoftDeleted:     {eventDeleted, eventMoved},
		Moved:           {eventMoved},
		Copied:          {eventCopied},
		FreeBusyChanged: {eventFreeBusy},
	}[k]
	switch {
	case k == Created && folder == "inbox":
		events = append(events, eventNewMail)
	case (k == Created || k == Updated) && isCalendar(class):
		events = append(events, eventFreeBusy)
	}
	return len(types) == 0 && len(events) > 0 || slices.ContainsFunc(events, func(e string) bool { return slices.Contains(types, e) })
}
