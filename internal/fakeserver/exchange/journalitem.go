package exchange

import (
	"encoding/json"
	"maps"
	"time"
)

// noteItem notes in the journals and in the item itself that it is about to be in f, with data; of
// these it still says how they were.
func (f *folder) noteItem(it *item, data Properties) {
	it.touched = time.Now()
	switch {
	case it.folder == nil:
		it.made = it.touched
		f.journal.note(it.id, entered)
	case it.folder != f:
		it.folder.journal.note(it.id, left)
		f.journal.note(it.id, entered)
	case isRead(it.data) != isRead(data) && sameButForRead(it.data, data):
		f.journal.note(it.id, marked)
	default:
		f.journal.note(it.id, modified)
	}
}

// sameButForRead compares properties as they were written.
func sameButForRead(a, b Properties) bool {
	same := func(x, y json.RawMessage) bool { return string(x) == string(y) }
	a, b = maps.Clone(a), maps.Clone(b)
	delete(a, "IsRead")
	delete(b, "IsRead")
	return maps.EqualFunc(a, b, same)
}

func isRead(data Properties) bool { return string(data["IsRead"]) == "true" }
