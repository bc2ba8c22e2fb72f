package exchange

// A journal is what happened to the members of something: the items of a
// folder, or the folders of a mailbox. A client that knows how the members
// were at one point of it can be told how they are at another.
type journal struct {
	records []journalRecord
}

type journalRecord struct {
	id   string
	what journalKind
}

type journalKind uint8

const (
	entered  journalKind = iota // made here, or moved or copied to here
	modified                    // anything of it, other than:
	marked                      // read or unread, and nothing else
	left                        // deleted, or moved away
)

func (j *journal) note(id string, what journalKind) {
	j.records = append(j.records, journalRecord{id, what})
}

// now is the point after everything that has happened so far.
func (j *journal) now() int { return len(j.records) }

// A difference is what became of one member between two points. What came and
// went in between is none.
type difference struct {
	id   string
	what journalKind // entered, modified, marked or left
}

// between returns what differs between two points, in the order in which the
// members are first mentioned: an order that stays when more is noted, so that
// it can be read in pages.
func (j *journal) between(base, end int) []difference {
	type summary struct {
		first, last journalKind
		onlyMarked  bool
	}
	var order []string
	members := make(map[string]*summary)
	for _, r := range j.records[base:end] {
		m, ok := members[r.id]
		if !ok {
			m = &summary{first: r.what, onlyMarked: true}
			members[r.id] = m
			order = append(order, r.id)
		}
		m.last = r.what
		m.onlyMarked = m.onlyMarked && r.what == marked
	}
	var all []difference
	for _, id := range order {
		m := members[id]
		switch existed, exists := m.first != entered, m.last != left; {
		case !existed && exists:
			all = append(all, difference{id, entered})
		case existed && !exists:
			all = append(all, difference{id, left})
		case existed && m.onlyMarked:
			all = append(all, difference{id, marked})
		case existed:
			all = append(all, difference{id, modified})
		}
	}
	return all
}
