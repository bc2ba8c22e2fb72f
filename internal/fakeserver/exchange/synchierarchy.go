package exchange

import "strings"

// maxFolderChanges is how many SyncFolderHierarchy returns at once; a request does not say. Our choice.
const maxFolderChanges = 512

// syncHierarchy serves SyncFolderHierarchy.
func (s *Server) syncHierarchy(c *call) {
	content, f := s.foldersSince(c)
	if f != nil {
		content = "<m:SyncState/><m:IncludesLastFolderInRange>true</m:IncludesLastFolderInRange>"
	}
	c.respond(c.operation, message{failure: f, content: content})
}

func (s *Server) foldersSince(c *call) (string, *failure) {
	top := c.mailbox.folders[0] // what never changes; without a SyncFolderId it is the root
	if id := c.request.child(nsMessages, "SyncFolderId"); id != nil {
		var f *failure
		top, f = s.openFolder(c, id.children[0])
		switch {
		case f != nil && f.code == codeFolderNotFound:
			return "", fail(codeSyncFolderNotFound)
		case f != nil:
			return "", f
		}
	}
	shape := shapeOf(c.request.child(nsMessages, "FolderShape"))
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	m := top.mailbox
	state, ok := parseSyncState(c.request.child(nsMessages, "SyncState").value(), m.syncEpoch, "hierarchy of "+top.id)
	if !ok {
		return "", fail(codeInvalidSyncState)
	}
	p, ok := m.hierarchy.pageOf(state, maxFolderChanges)
	if !ok {
		return "", fail(codeInvalidSyncState)
	}
	var b strings.Builder
	for _, d := range p.differences {
		f := s.store.folders[d.id]
		if !f.within(top) {
			continue
		}
		f.writeChange(&b, d, shape)
	}
	return p.content("Folder", b.String()), nil
}

func (f *folder) writeChange(b *strings.Builder, d difference, s shape) {
	switch d.what {
	case left:
		b.WriteString("<t:Delete>")
		writeRef(b, "FolderId", f.ref())
		b.WriteString("</t:Delete>")
	case entered:
		b.WriteString("<t:Create>")
		f.write(b, s)
		b.WriteString("</t:Create>")
	default:
		b.WriteString("<t:Update>")
		f.write(b, s)
		b.WriteString("</t:Update>")
	}
}
