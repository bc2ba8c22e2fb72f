package ews

import (
	"encoding/xml"
	"fmt"
)

// maxElements bounds how many children of one kind a parent may have. The
// service sends 50 events or 512 items at most, and folders as it likes; without
// a bound, an envelope of empty elements would take many times its size.
const maxElements = 16 << 10

// elements are the children of a parent that none of its fields takes, in
// document order.
type elements[T any] []T

// UnmarshalXML is called for each.
func (all *elements[T]) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	if len(*all) == maxElements {
		return fmt.Errorf("more than %d elements in one", maxElements)
	}
	*all = append(*all, *new(T))
	return d.DecodeElement(&(*all)[len(*all)-1], &start)
}
