package outlookstream

// Dedup drops events that repeat one of the last n with the same Resource, ID,
// Version and Kind. The service may tell one change several times, for example
// when a connection is opened again.
//
// Events without a Version are never dropped: two of them may be two changes.
// Neither is a Resync.
func Dedup(n int, in Events) Events {
	type key struct {
		resource, id, version string
		kind                  Kind
	}
	return func(yield func(Event, error) bool) {
		seen := make(map[key]struct{})
		var order []key // a ring once it has n keys
		oldest := 0
		for event, err := range in {
			if err == nil && event.Kind != Resync && event.Version != "" && n > 0 {
				k := key{event.Resource, event.ID, event.Version, event.Kind}
				if _, repeated := seen[k]; repeated {
					continue
				}
				seen[k] = struct{}{}
				if len(order) < n {
					order = append(order, k)
				} else {
					delete(seen, order[oldest])
					order[oldest] = k
					oldest = (oldest + 1) % n
				}
			}
			if !yield(event, err) {
				return
			}
		}
	}
}
