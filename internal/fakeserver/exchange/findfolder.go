package exchange

import (
	"encoding/base64"
	"strings"
)

// findFolder finds what a t:FolderId or t:DistinguishedFolderId means. Whether the caller may see it is another question.
func (s *Server) findFolder(c *call, n *node) (*folder, *failure) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	id, _ := n.attr("Id")
	if n.name.Local == "FolderId" {
		if _, err := base64.StdEncoding.DecodeString(id); err != nil || id == "" {
			return nil, fail(codeIDMalformed)
		}
		f, ok := s.store.folders[id]
		if !ok || f.deleted {
			return nil, fail(codeFolderNotFound)
		}
		return f, nil
	}
	m := c.mailbox
	if address := n.at("Mailbox", "EmailAddress").value(); address != "" {
		var ok bool
		if m, ok = s.store.locked(address); !ok {
			return nil, fail(codeNonExistentMailbox)
		}
	}
	if f := m.folder(strings.ToLower(id)); f != nil && f.distinguished != "" {
		return f, nil
	}
	return nil, fail(codeFolderNotFound)
}
