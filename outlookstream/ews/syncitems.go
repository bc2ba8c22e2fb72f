package ews

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"iter"
)

// SyncOptions configure SyncFolderItems. A nil *SyncOptions and every zero field
// mean the default.
type SyncOptions struct {
	// BaseShape is how much to tell of each item; ShapeIDOnly by default. With
	// more than that, a smaller MaxChanges keeps pages below Options.MaxEnvelope.
	BaseShape BaseShape

	// MaxChanges is how many changes a page has at most, from 1 to 512; 512 by
	// default.
	MaxChanges int

	// Ignore are items not to be told of, such as those that the program has just
	// changed itself; ChangeKeys may be empty. What happens to them is part of the
	// state nevertheless: a later call does not make up for it. Default: none.
	Ignore []ID

	// Associated tells of what programs keep hidden in the folder, too.
	Associated bool
}

const maxChanges = 512 // the schema's

func (o *SyncOptions) withDefaults() (SyncOptions, error) {
	var out SyncOptions
	if o != nil {
		out = *o
	}
	setDefault(&out.BaseShape, ShapeIDOnly)
	setDefault(&out.MaxChanges, maxChanges)
	if out.MaxChanges < 1 || out.MaxChanges > maxChanges {
		return out, fmt.Errorf("ews: SyncOptions.MaxChanges must be from 1 to %d, not %d", maxChanges, out.MaxChanges)
	}
	for _, id := range out.Ignore {
		if id.ID == "" {
			return out, errors.New("ews: SyncOptions.Ignore: the zero ID names no item")
		}
	}
	return out, out.BaseShape.validate()
}

// An ItemChange is what became of one item of a folder.
type ItemChange struct {
	Kind   ChangeKind
	ID     ID
	IsRead bool   // of a ReadFlagChange
	Class  string // the name of the item's element: "Message", "CalendarItem"; "" for DeleteChange and ReadFlagChange
	XML    string // what is in that element: with ShapeIDOnly, no more than the id
}

type syncItemsRequest struct {
	XMLName    xml.Name   `xml:"m:SyncFolderItems"`
	Shape      shape      `xml:"m:ItemShape"`
	Folder     syncFolder `xml:"m:SyncFolderId"`
	State      string     `xml:"m:SyncState,omitempty"`
	Ignore     *ignored   `xml:"m:Ignore"`
	MaxChanges int        `xml:"m:MaxChangesReturned"`
	Scope      string     `xml:"m:SyncScope,omitempty"`
}

// ignored must not be empty.
type ignored struct {
	IDs []itemID `xml:"t:ItemId"`
}

type itemID struct {
	ID        string `xml:"Id,attr"`
	ChangeKey string `xml:"ChangeKey,attr,omitempty"`
}

type syncItemsReply struct {
	Messages []syncMessage[itemChangeElement] `xml:"Body>SyncFolderItemsResponse>ResponseMessages>SyncFolderItemsResponseMessage"`
}

// An itemChangeElement is a change of any kind.
type itemChangeElement struct {
	XMLName xml.Name
	ItemID  *idElement            `xml:"ItemId"` // of Delete and ReadFlagChange
	IsRead  string                `xml:"IsRead"`
	Items   elements[itemElement] `xml:",any"` // of Create and Update: one
}

type itemElement struct {
	XMLName xml.Name
	ItemID  *idElement `xml:"ItemId"`
	XML     string     `xml:",innerxml"`
}

// SyncFolderItems returns what became of the items of one folder since state;
// with "", what there is, as created. It is the truth that events are hints of:
// it says what really changed, and what changed while nobody was listening.
//
// address is the mailbox's, as in [Mailbox]. An error that is [ErrInvalidState]
// says to begin with "". Search folders and public folders have no sync state,
// and of a recurring event there is only the master.
func (s *Session) SyncFolderItems(ctx context.Context, address string, folder Folder, state string, opts *SyncOptions) (*Page[ItemChange], error) {
	m := Mailbox{Address: address, Folders: []Folder{folder}}
	if err := m.validate(s.client.opts.Impersonate); err != nil {
		return nil, err
	}
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	operation := syncItemsRequest{Shape: shape{o.BaseShape}, Folder: syncFolder{s.folderElement(folder, address)}, State: state, MaxChanges: o.MaxChanges}
	if len(o.Ignore) > 0 {
		operation.Ignore = new(ignored)
		for _, id := range o.Ignore {
			operation.Ignore.IDs = append(operation.Ignore.IDs, itemID(id))
		}
	}
	if o.Associated {
		operation.Scope = "NormalAndAssociatedItems"
	}
	var reply syncItemsReply
	r := request{op: "SyncFolderItems", mailbox: m.name(), impersonate: address, operation: operation}
	return syncPage(ctx, s, r, state, &reply, &reply.Messages, (*itemChangeElement).change)
}

func (e *itemChangeElement) change() (c ItemChange, named bool) {
	c = ItemChange{Kind: ChangeKind(e.XMLName.Local), ID: e.ItemID.value(), IsRead: isTrue(e.IsRead)}
	if e.ItemID == nil && len(e.Items) > 0 {
		item := &e.Items[0]
		c.ID, c.Class, c.XML = item.ItemID.value(), item.XMLName.Local, item.XML
	}
	return c, c.ID.ID != ""
}

// SyncAllItems is SyncFolderItems for as many pages as there are: it yields one
// after the other, or, as its last pair, an error. The State of the last page
// that was dealt with is where to go on, also after an error or a break; an
// error is the service's for one page, and nothing is lost by asking again
// from there.
func (s *Session) SyncAllItems(ctx context.Context, address string, folder Folder, state string, opts *SyncOptions) iter.Seq2[*Page[ItemChange], error] {
	return pages(ctx, state, func(ctx context.Context, state string) (*Page[ItemChange], error) {
		return s.SyncFolderItems(ctx, address, folder, state, opts)
	})
}
