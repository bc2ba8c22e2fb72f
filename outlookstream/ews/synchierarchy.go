package ews

import (
	"context"
	"encoding/xml"
	"iter"
	"strings"
)

// A FolderChange is what became of one folder of a mailbox.
type FolderChange struct {
	Kind   ChangeKind
	ID     ID
	Parent ID     // where it is, if the shape has it
	Name   string // DisplayName, if the shape has it
	Class  string // the name of the folder's element: "Folder", "CalendarFolder", ...; "" for DeleteChange
	XML    string // what is in that element: with ShapeIDOnly, no more than the id
}

type syncHierarchyRequest struct {
	XMLName xml.Name   `xml:"m:SyncFolderHierarchy"`
	Shape   shape      `xml:"m:FolderShape"`
	Folder  syncFolder `xml:"m:SyncFolderId"`
	State   string     `xml:"m:SyncState,omitempty"`
}

type syncHierarchyReply struct {
	Messages []syncMessage[folderChangeElement] `xml:"Body>SyncFolderHierarchyResponse>ResponseMessages>SyncFolderHierarchyResponseMessage"`
}

// A folderChangeElement is a change of any kind.
type folderChangeElement struct {
	XMLName  xml.Name
	FolderID *idElement              `xml:"FolderId"` // of Delete
	Folders  elements[folderElement] `xml:",any"`     // of Create and Update: one
}

type folderElement struct {
	XMLName  xml.Name
	FolderID *idElement `xml:"FolderId"`
	ParentID *idElement `xml:"ParentFolderId"`
	Name     string     `xml:"DisplayName"`
	XML      string     `xml:",innerxml"`
}

// SyncFolderHierarchy returns what became of the folders below root since
// state; with "", what there is, as created. The zero Folder is the root of
// what people see of a mailbox. The service decides how many changes a page
// has. "" for base is ShapeIDOnly. For the rest, see [Session.SyncFolderItems].
func (s *Session) SyncFolderHierarchy(ctx context.Context, address string, root Folder, state string, base BaseShape) (*Page[FolderChange], error) {
	setDefault(&root, Folder{Distinguished: "msgfolderroot"})
	setDefault(&base, ShapeIDOnly)
	m := Mailbox{Address: address, Folders: []Folder{root}}
	if err := m.validate(s.client.opts.Impersonate); err != nil {
		return nil, err
	}
	if err := base.validate(); err != nil {
		return nil, err
	}
	operation := syncHierarchyRequest{Shape: shape{base}, Folder: syncFolder{s.folderElement(root, address)}, State: state}
	var reply syncHierarchyReply
	r := request{op: "SyncFolderHierarchy", mailbox: m.name(), impersonate: address, operation: operation}
	return syncPage(ctx, s, r, state, &reply, &reply.Messages, (*folderChangeElement).change)
}

func (e *folderChangeElement) change() (c FolderChange, named bool) {
	c = FolderChange{Kind: ChangeKind(e.XMLName.Local), ID: e.FolderID.value()}
	if e.FolderID == nil && len(e.Folders) > 0 {
		f := &e.Folders[0]
		c.ID, c.Parent, c.Name = f.FolderID.value(), f.ParentID.value(), strings.TrimSpace(f.Name)
		c.Class, c.XML = f.XMLName.Local, f.XML
	}
	return c, c.ID.ID != ""
}

// SyncAllFolders is SyncFolderHierarchy for as many pages as there are, as
// [Session.SyncAllItems] is SyncFolderItems.
func (s *Session) SyncAllFolders(ctx context.Context, address string, root Folder, state string, base BaseShape) iter.Seq2[*Page[FolderChange], error] {
	return pages(ctx, state, func(ctx context.Context, state string) (*Page[FolderChange], error) {
		return s.SyncFolderHierarchy(ctx, address, root, state, base)
	})
}
