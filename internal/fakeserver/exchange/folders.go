package exchange

import (
	"fmt"
	"strings"
)

// openFolder is findFolder for who wants to read what is in it.
func (s *Server) openFolder(c *call, n *node) (*folder, *failure) {
	found, f := s.findFolder(c, n)
	if f != nil {
		return nil, f
	}
	if found.mailbox != c.mailbox && !s.mayOpen(c.account, found.mailbox.address) {
		return nil, fail(codeAccessDenied)
	}
	return found, nil
}

// getFolder serves GetFolder.
func (s *Server) getFolder(c *call) {
	shape := shapeOf(c.request.child(nsMessages, "FolderShape"))
	var all []message
	for _, n := range c.request.child(nsMessages, "FolderIds").children {
		found, f := s.openFolder(c, n)
		if f != nil {
			all = append(all, message{failure: f, content: "<m:Folders/>"})
			continue
		}
		var b strings.Builder
		s.store.mu.Lock()
		found.write(&b, shape)
		s.store.mu.Unlock()
		all = append(all, message{content: within("m:Folders", b.String())})
	}
	c.respond(c.operation, all...)
}

// findFolders serves FindFolder: the folders in others.
func (s *Server) findFolders(c *call) {
	if c.request.child(nsMessages, "Restriction") != nil {
		c.refuse(fail(codeInvalidRestriction))
		return
	}
	shape := shapeOf(c.request.child(nsMessages, "FolderShape"))
	traversal, _ := c.request.attr("Traversal")
	from, most := pageOf(c.request.child(nsMessages, "IndexedPageFolderView"))
	var all []message
	for _, n := range c.request.child(nsMessages, "ParentFolderIds").children {
		parent, f := s.openFolder(c, n)
		if f != nil {
			all = append(all, message{failure: f})
			continue
		}
		s.store.mu.Lock()
		var found []*folder
		for _, sub := range parent.mailbox.folders {
			if !sub.deleted && (sub.parent == parent && traversal == "Shallow" || traversal == "Deep" && sub.within(parent)) {
				found = append(found, sub)
			}
		}
		var b strings.Builder
		shown, attributes := view(found, from, most)
		for _, sub := range shown {
			sub.write(&b, shape)
		}
		s.store.mu.Unlock()
		all = append(all, message{content: "<m:RootFolder" + attributes + ">" + within("t:Folders", b.String()) + "</m:RootFolder>"})
	}
	c.respond(c.operation, all...)
}

// within reports whether a folder is somewhere below another.
func (f *folder) within(above *folder) bool {
	for p := f.parent; p != nil; p = p.parent {
		if p == above {
			return true
		}
	}
	return false
}

// view cuts a page out of what was found, and writes the attributes that say which it is.
func view[T any](all []T, from, most int) (page []T, attributes string) {
	from = min(from, len(all))
	to := len(all)
	if most > 0 {
		to = min(to, from+most)
	}
	return all[from:to], fmt.Sprintf(` IndexedPagingOffset="%d" TotalItemsInView="%d" IncludesLastItemInRange="%t"`, to, len(all), to == len(all))
}
