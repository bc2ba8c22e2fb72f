package exchange

import "slices"

// shape is which properties a request wants.
type shape struct {
	base string // IdOnly, Default or AllProperties
	// extra are the AdditionalProperties, by their URI. Those that nobody here knows are left out of an answer, as the
	// service does with what an item has not got.
	extra []string
}

// shapeOf reads an m:ItemShape or m:FolderShape.
func shapeOf(n *node) shape {
	s := shape{base: n.child(nsTypes, "BaseShape").value()}
	for _, field := range n.at("AdditionalProperties").all() {
		if uri, ok := field.attr("FieldURI"); ok && field.name.Local == "FieldURI" {
			s.extra = append(s.extra, uri)
		}
	}
	return s
}

// all are the children of a node; none of nil.
func (n *node) all() []*node {
	if n == nil {
		return nil
	}
	return n.children
}

// has says whether a property is wanted. inDefault says that it is in the Default shape.
func (s shape) has(uri string, inDefault bool) bool {
	return s.base == "AllProperties" || s.base == "Default" && inDefault || slices.Contains(s.extra, uri)
}
