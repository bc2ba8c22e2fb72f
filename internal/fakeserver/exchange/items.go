package exchange

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// maxFound is how many items FindItem returns at once.
const maxFound = 1000

// getItem serves GetItem.
func (s *Server) getItem(c *call) {
	shape := shapeOf(c.request.child(nsMessages, "ItemShape"))
	var all []message
	s.store.mu.Lock()
	for _, n := range c.request.child(nsMessages, "ItemIds").children {
		id, _ := n.attr("Id")
		it := c.mailbox.items[id]
		if it == nil {
			// The event that told of it may be older than its end.
			all = append(all, message{failure: fail(codeItemNotFound), content: "<m:Items/>"})
			continue
		}
		var b strings.Builder
		it.write(&b, shape)
		all = append(all, message{content: within("m:Items", b.String())})
	}
	s.store.mu.Unlock()
	c.respond(c.operation, all...)
}

// findItem serves FindItem: the items of folders, oldest first.
func (s *Server) findItem(c *call) {
	for _, name := range []string{"Restriction", "SortOrder"} {
		if c.request.child(nsMessages, name) != nil {
			c.refuse(fail(codeInvalidRestriction))
			return
		}
	}
	shape := shapeOf(c.request.child(nsMessages, "ItemShape"))
	traversal, _ := c.request.attr("Traversal")
	from, most := pageOf(c.request.child(nsMessages, "IndexedPageItemView"))
	if most == 0 || most > maxFound {
		most = maxFound
	}
	var all []message
	for _, n := range c.request.child(nsMessages, "ParentFolderIds").children {
		parent, f := s.openFolder(c, n)
		if f != nil {
			all = append(all, message{failure: f})
			continue
		}
		s.store.mu.Lock()
		var found []*item
		if traversal == "Shallow" {
			for _, it := range parent.items {
				found = append(found, it)
			}
		}
		slices.SortFunc(found, func(a, b *item) int { return cmp.Or(cmp.Compare(a.created, b.created), strings.Compare(a.id, b.id)) })
		var b strings.Builder
		shown, attributes := view(found, from, most)
		for _, it := range shown {
			it.write(&b, shape)
		}
		s.store.mu.Unlock()
		all = append(all, message{content: "<m:RootFolder" + attributes + ">" + within("t:Items", b.String()) + "</m:RootFolder>"})
	}
	c.respond(c.operation, all...)
}

// pageOf reads an indexed view: where it begins, and how much it wants at most, 0 for all. From the end, which nobody
// here asks for, is not done.
func pageOf(view *node) (from, most int) {
	text, _ := view.attr("Offset")
	from, _ = strconv.Atoi(text) // the schema has seen it
	text, _ = view.attr("MaxEntriesReturned")
	most, _ = strconv.Atoi(text)
	return from, most
}
