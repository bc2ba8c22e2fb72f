package exchange

import (
	"fmt"
	"slices"
	"strings"
)

// The schema of a request is checked as the service checks it: names, namespaces, order and values. The tables in
// schemas.go say what is checked.

// element is a declaration.
type element struct {
	space, name string
	attrs       []attribute
	content     []particle                     // in order; nil: none, unless open or value say otherwise
	value       func(text string) (why string) // of an element with text; nil: it has none
	open        bool                           // what is in it is not checked
}

// particle is a place in the content of an element, for one of several elements. max -1 is unbounded.
type particle struct {
	of       []*element
	min, max int
}

type attribute struct {
	name     string
	required bool
	value    func(text string) (why string) // nil: any
}

func one(e ...*element) particle      { return particle{e, 1, 1} }
func optional(e ...*element) particle { return particle{e, 0, 1} }
func some(e ...*element) particle     { return particle{e, 1, -1} }

// violation is what is wrong with a request, and where.
type violation struct {
	what         string
	line, column int
}

func violationAt(n *node, format string, args ...any) *violation {
	return &violation{fmt.Sprintf(format, args...), n.line, n.column}
}

// check looks at a node whose name is right already.
func (e *element) check(n *node) *violation {
	if v := e.checkAttributes(n); v != nil {
		return v
	}
	if e.open {
		return nil
	}
	if e.value != nil {
		if len(n.children) > 0 {
			return violationAt(n, "The element %s cannot contain child element %s because the parent element's content model is text only.",
				quoted(n), quoted(n.children[0]))
		}
		if why := e.value(n.value()); why != "" {
			return violationAt(n, "The '%s:%s' element is invalid - The value '%s' is invalid according to its datatype - %s",
				n.name.Space, n.name.Local, n.value(), why)
		}
		return nil
	}
	if n.value() != "" {
		return violationAt(n, "The element %s cannot contain text.", quoted(n))
	}
	return e.checkChildren(n)
}

func (e *element) checkAttributes(n *node) *violation {
	for _, a := range n.attrs {
		i := slices.IndexFunc(e.attrs, func(x attribute) bool { return a.Name.Space == "" && x.name == a.Name.Local })
		if i < 0 {
			if e.open || a.Name.Space != "" {
				continue
			}
			return violationAt(n, "The '%s' attribute is not declared.", a.Name.Local)
		}
		if check := e.attrs[i].value; check != nil {
			if why := check(a.Value); why != "" {
				return violationAt(n, "The '%s' attribute is invalid - The value '%s' is invalid according to its datatype - %s",
					a.Name.Local, a.Value, why)
			}
		}
	}
	for _, x := range e.attrs {
		if _, has := n.attr(x.name); x.required && !has {
			return violationAt(n, "The required attribute '%s' is missing.", x.name)
		}
	}
	return nil
}

// checkChildren goes through the places in order. The service's schema is such that no looking ahead is needed.
func (e *element) checkChildren(n *node) *violation {
	at, used := 0, 0
	for _, c := range n.children {
		var found *element
		for at < len(e.content) && found == nil {
			p := e.content[at]
			if i := slices.IndexFunc(p.of, func(x *element) bool {
				return x.name == c.name.Local && x.space == c.name.Space
			}); i >= 0 && (p.max < 0 || used < p.max) {
				found = p.of[i]
				used++
				break
			}
			if used < p.min {
				break
			}
			at, used = at+1, 0
		}
		if found == nil {
			return violationAt(c, "The element %s has invalid child element %s.%s", quoted(n), quoted(c), e.expected(at, used))
		}
		if v := found.check(c); v != nil {
			return v
		}
	}
	from, had := at, used
	for ; at < len(e.content); at, used = at+1, 0 {
		if used < e.content[at].min {
			return violationAt(n, "The element %s has incomplete content.%s", quoted(n), e.expected(from, had))
		}
	}
	return nil
}

// expected lists what may stand at a place.
func (e *element) expected(at, used int) string {
	var names []string
	for ; at < len(e.content); at, used = at+1, 0 {
		p := e.content[at]
		if p.max >= 0 && used >= p.max {
			continue
		}
		for _, x := range p.of {
			names = append(names, x.name)
		}
		if used < p.min {
			break
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " List of possible elements expected: '" + strings.Join(names, ", ") + "'."
}

func quoted(n *node) string {
	if n.name.Space == "" {
		return "'" + n.name.Local + "'"
	}
	return "'" + n.name.Local + "' in namespace '" + n.name.Space + "'"
}
