package exchange

import (
	"fmt"
	"strings"
)

// element is what a folder is on the wire, by its class.
func (f *folder) element() string {
	switch {
	case f.search():
		return "SearchFolder"
	case strings.HasPrefix(f.class, "IPF.Appointment"):
		return "CalendarFolder"
	case strings.HasPrefix(f.class, "IPF.Contact"):
		return "ContactsFolder"
	case strings.HasPrefix(f.class, "IPF.Task"):
		return "TasksFolder"
	}
	return "Folder"
}

// search reports whether it is a search folder: it has items of other folders only.
func (f *folder) search() bool { return f.parent != nil && f.parent.distinguished == "searchfolders" }

// onWire reports the distinguished name that the schema has for it; allItems has none.
func (f *folder) onWire() string {
	if f.distinguished == allItems {
		return ""
	}
	return f.distinguished
}

func (f *folder) children() int {
	n := 0
	for _, other := range f.mailbox.folders {
		if other.parent == f && !other.deleted {
			n++
		}
	}
	return n
}

// write renders the folder in a shape. The order of its elements is the schema's. The lock of the store is held.
func (f *folder) write(b *strings.Builder, s shape) {
	name := f.element()
	b.WriteString("<t:" + name + ">")
	writeRef(b, "FolderId", ref{f.id, longKey(ChangeKey(f.version))})
	if f.parent != nil && s.has("folder:ParentFolderId", false) {
		writeRef(b, "ParentFolderId", ref{f.parent.id, longKey(ChangeKey(f.parent.version))})
	}
	if s.has("folder:FolderClass", false) {
		b.WriteString(tag("t:FolderClass", f.class))
	}
	if s.has("folder:DisplayName", true) {
		b.WriteString(tag("t:DisplayName", f.name))
	}
	if s.has("folder:TotalCount", true) {
		b.WriteString(tag("t:TotalCount", fmt.Sprint(len(f.items))))
	}
	if s.has("folder:ChildFolderCount", true) {
		b.WriteString(tag("t:ChildFolderCount", fmt.Sprint(f.children())))
	}
	if s.has("folder:DistinguishedFolderId", false) {
		b.WriteString(tag("t:DistinguishedFolderId", f.onWire()))
	}
	if (name == "Folder" || name == "TasksFolder") && s.has("folder:UnreadCount", true) {
		b.WriteString(tag("t:UnreadCount", fmt.Sprint(f.unread)))
	}
	b.WriteString("</t:" + name + ">")
}
