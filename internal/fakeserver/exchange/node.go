package exchange

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// maxDepth is how deep a request may nest.
const maxDepth = 64

// node is an element of a request.
type node struct {
	name     xml.Name
	attrs    []xml.Attr // without namespace declarations
	children []*node
	text     []byte // character data, untrimmed
	line     int    // of the end of its start tag, from 1
	column   int
	raw      []byte // the element as it was written, from "<" to ">"; its namespaces may be declared further out
}

// parse reads one XML document. Document types are refused, as the service does.
func parse(document []byte) (*node, error) {
	d := xml.NewDecoder(bytes.NewReader(document))
	var (
		root *node
		open []*node
		from []int64
	)
	for {
		at := d.InputOffset()
		token, err := d.Token()
		switch {
		case errors.Is(err, io.EOF) && root != nil && len(open) == 0:
			return root, nil
		case err != nil:
			return nil, err
		}
		switch t := token.(type) {
		case xml.Directive:
			return nil, errors.New("a document type is not allowed")
		case xml.StartElement:
			line, column := d.InputPos()
			n := &node{name: t.Name, line: line, column: column}
			for _, a := range t.Attr {
				if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
					n.attrs = append(n.attrs, a)
				}
			}
			switch {
			case len(open) > 0:
				parent := open[len(open)-1]
				parent.children = append(parent.children, n)
			case root != nil:
				return nil, errors.New("there is more than one root element")
			default:
				root = n
			}
			if len(open) == maxDepth {
				return nil, fmt.Errorf("elements nest deeper than %d", maxDepth)
			}
			open, from = append(open, n), append(from, at)
		case xml.EndElement:
			last := len(open) - 1
			open[last].raw = document[from[last]:d.InputOffset()]
			open, from = open[:last], from[:last]
		case xml.CharData:
			if len(open) > 0 {
				last := open[len(open)-1]
				last.text = append(last.text, t...)
			}
		}
	}
}

// child finds the first child of a name; nil if there is none, or no node.
func (n *node) child(space, local string) *node {
	if n == nil {
		return nil
	}
	for _, c := range n.children {
		if c.name.Space == space && c.name.Local == local {
			return c
		}
	}
	return nil
}

// at follows a path of local names through children of any namespace; nil if it leads nowhere.
func (n *node) at(path ...string) *node {
	for _, local := range path {
		var next *node
		if n != nil {
			for _, c := range n.children {
				if c.name.Local == local {
					next = c
					break
				}
			}
		}
		if n = next; n == nil {
			return nil
		}
	}
	return n
}

// value is the text of a node without the white space around it; "" of nil.
func (n *node) value() string {
	if n == nil {
		return ""
	}
	return string(bytes.TrimSpace(n.text))
}

// attr is the value of an attribute without a namespace.
func (n *node) attr(name string) (string, bool) {
	if n != nil {
		for _, a := range n.attrs {
			if a.Name.Space == "" && a.Name.Local == name {
				return a.Value, true
			}
		}
	}
	return "", false
}
