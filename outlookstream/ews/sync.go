package ews

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
)

// A Page is a part of the changes of something since an earlier state of it.
type Page[Change any] struct {
	Changes []Change
	// State is what to ask for the next page with, once the changes of this one
	// are dealt with: opaque, some kilobytes for a large folder, to be kept whole.
	State string
	// Last says that this is all for now: the next page has what happens later.
	Last bool
}

// A ChangeKind is what became of an item or a folder, in the service's own
// words.
type ChangeKind string

// The change kinds. Moving something away is Delete there, and Create, with
// another id, where it went.
const (
	CreateChange   ChangeKind = "Create"
	UpdateChange   ChangeKind = "Update"
	DeleteChange   ChangeKind = "Delete"
	ReadFlagChange ChangeKind = "ReadFlagChange" // of items: read or unread, nothing else
)

// A BaseShape is how much the service tells of what changed.
type BaseShape string

// The base shapes. All but ShapeIDOnly cost the server a look at each item.
const (
	ShapeIDOnly        BaseShape = "IdOnly"
	ShapeDefault       BaseShape = "Default"
	ShapeAllProperties BaseShape = "AllProperties"
)

func (b BaseShape) validate() error {
	switch b {
	case ShapeIDOnly, ShapeDefault, ShapeAllProperties:
		return nil
	}
	return fmt.Errorf("ews: there is no base shape %q", string(b))
}

type shape struct {
	Base BaseShape `xml:"t:BaseShape"`
}

type syncFolder struct {
	Folder any
}

// pages yields the pages that page returns, up to the last or an error.
func pages[C any](ctx context.Context, state string, page func(ctx context.Context, state string) (*Page[C], error)) iter.Seq2[*Page[C], error] {
	return func(yield func(*Page[C], error) bool) {
		for state := state; ; {
			p, err := page(ctx, state)
			if !yield(p, err) || err != nil || p.Last {
				return
			}
			state = p.State
		}
	}
}

// A syncMessage is a response message of either operation; E is an element of
// its changes.
type syncMessage[E any] struct {
	responseMessage
	SyncState  string `xml:"SyncState"`
	LastItem   string `xml:"IncludesLastItemInRange"`
	LastFolder string `xml:"IncludesLastFolderInRange"`
	Changes    struct {
		All elements[E] `xml:",any"`
	} `xml:"Changes"`
}

// syncPage makes the call r, whose reply has messages, and returns its page.
// change reads one change, and says whether that names what it is about.
func syncPage[E, C any](ctx context.Context, s *Session, r request, before string, reply any, messages *[]syncMessage[E], change func(*E) (C, bool)) (*Page[C], error) {
	diagnostics, err := s.do(ctx, r, reply, func() (all []responseMessage) {
		for _, m := range *messages {
			all = append(all, m.responseMessage)
		}
		return all
	})
	if err != nil {
		return nil, err
	}
	page, err := pageOf(&(*messages)[0], before, change)
	if err != nil {
		return nil, malformed(r, diagnostics, err.Error())
	}
	return page, nil
}

// pageOf reads the page that follows the state before. The error is in words of
// this package.
func pageOf[E, C any](m *syncMessage[E], before string, change func(*E) (C, bool)) (*Page[C], error) {
	page := &Page[C]{State: strings.TrimSpace(m.SyncState), Last: isTrue(m.LastItem) || isTrue(m.LastFolder)}
	switch {
	case page.State == "":
		return nil, errors.New("no sync state to go on from")
	case page.State == before && !page.Last:
		return nil, errors.New("a page that is not the last one, and leads back to itself")
	}
	for i := range m.Changes.All {
		c, named := change(&m.Changes.All[i])
		if !named {
			return nil, errors.New("a change that does not say of what")
		}
		page.Changes = append(page.Changes, c)
	}
	return page, nil
}
