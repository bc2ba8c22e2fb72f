package outlookstream

// Dedup drops an event that is of the same Kind as the one before it that had
// the same Resource, ID and Version, if that is among the last n of their
// kind. The service may tell one change several times, for example when a
// connection is opened again.
//
// Events without a Version are never dropped: two of them may be two changes.
// Neither is a Resync.
func Dedup(n int, in Events) Events {
	type state struct{ resource, id, version string }
	return func(yield func(Event, error) bool) {
		latest := make(map[state]Kind)
		var order []state // a ring once it has n states
		oldest := 0
		for event, err := range in {
			if err == nil && event.Kind != Resync && event.Version != "" && n > 0 {
				s := state{event.Resource, event.ID, event.Version}
				kind, known := latest[s]
				if kind == event.Kind {
					continue
				}
				// An item that left a Filter and came back is told as it is:
				// Created, Deleted, Created.
				latest[s] = event.Kind
				switch {
				case known:
				case len(order) < n:
					order = append(order, s)
				default:
					delete(latest, order[oldest])
					order[oldest] = s
					oldest = (oldest + 1) % n
				}
			}
			if !yield(event, err) {
				return
			}
		}
	}
}
