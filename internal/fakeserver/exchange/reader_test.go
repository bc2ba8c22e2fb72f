package exchange_test

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
)

// element is an element of what the server sent.
type element struct {
	space, name string
	attrs       map[string]string
	children    []*element
	chars       string
}

// reader reads one element after another, whatever stands between them.
type reader struct{ d *xml.Decoder }

func newReader(r io.Reader) *reader { return &reader{xml.NewDecoder(r)} }

func (r *reader) next() (*element, error) {
	var open []*element
	for {
		token, err := r.d.Token()
		if err != nil {
			if len(open) > 0 && err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			e := &element{space: t.Name.Space, name: t.Name.Local, attrs: make(map[string]string)}
			for _, a := range t.Attr {
				if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
					e.attrs[a.Name.Local] = a.Value
				}
			}
			if len(open) > 0 {
				open[len(open)-1].children = append(open[len(open)-1].children, e)
			}
			open = append(open, e)
		case xml.EndElement:
			e := open[len(open)-1]
			if open = open[:len(open)-1]; len(open) == 0 {
				return e, nil
			}
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].chars += string(t)
			}
		}
	}
}

// at follows a path of names; nil if it leads nowhere.
func (e *element) at(path ...string) *element {
	for _, name := range path {
		if e == nil {
			return nil
		}
		i := slices.IndexFunc(e.children, func(c *element) bool { return c.name == name })
		if i < 0 {
			return nil
		}
		e = e.children[i]
	}
	return e
}

// text is that of a child; "" if there is none.
func (e *element) text(name string) string {
	c := e.at(name)
	if c == nil {
		return ""
	}
	return strings.TrimSpace(c.chars)
}

// all are the children of a name.
func (e *element) all(name string) []*element {
	var list []*element
	if e != nil {
		for _, c := range e.children {
			if c.name == name {
				list = append(list, c)
			}
		}
	}
	return list
}

const (
	soapNS = "http://schemas.xmlsoap.org/soap/envelope/"
	mNS    = "http://schemas.microsoft.com/exchange/services/2006/messages"
	tNS    = "http://schemas.microsoft.com/exchange/services/2006/types"
)

// cursor reads children one after the other, as the Managed API does: what comes in another order, it does not take.
type cursor struct {
	of   *element
	left []*element
}

func children(e *element) *cursor { return &cursor{e, e.children} }

func (c *cursor) is(space, name string) bool {
	return len(c.left) > 0 && c.left[0].space == space && c.left[0].name == name
}

func (c *cursor) read(space, name string) (*element, error) {
	if !c.is(space, name) {
		got := "the end"
		if len(c.left) > 0 {
			got = c.left[0].name + " of " + c.left[0].space
		}
		return nil, fmt.Errorf("in %s: %s where %s of %s has to be", c.of.name, got, name, space)
	}
	e := c.left[0]
	c.left = c.left[1:]
	return e, nil
}

func (c *cursor) end() error {
	if len(c.left) > 0 {
		return fmt.Errorf("in %s: %s where the end has to be", c.of.name, c.left[0].name)
	}
	return nil
}

// checkDotNet reads an envelope as the Managed API reads it, which is in the order of the schema and no other.
func checkDotNet(root *element) error {
	if root.space != soapNS || root.name != "Envelope" {
		return fmt.Errorf("the root is %s of %s", root.name, root.space)
	}
	c := children(root)
	if c.is(soapNS, "Header") {
		header, _ := c.read(soapNS, "Header")
		info, err := children(header).read(tNS, "ServerVersionInfo")
		if err != nil {
			return err
		}
		for _, name := range []string{"MajorVersion", "MinorVersion", "MajorBuildNumber", "MinorBuildNumber", "Version"} {
			if info.attrs[name] == "" && (name != "Version" || info.attrs["MajorVersion"] != "8") { // Exchange 2007 has none
				return fmt.Errorf("ServerVersionInfo has no %s", name)
			}
		}
	}
	body, err := c.read(soapNS, "Body")
	if err != nil {
		return err
	}
	if len(body.children) != 1 {
		return fmt.Errorf("the body has %d elements", len(body.children))
	}
	response := body.children[0]
	if response.name == "Fault" {
		return nil
	}
	if root.at("Header") == nil {
		return fmt.Errorf("there is no header")
	}
	operation, ok := strings.CutSuffix(response.name, "Response")
	if !ok || response.space != mNS {
		return fmt.Errorf("the body has %s of %s", response.name, response.space)
	}
	all, err := children(response).read(mNS, "ResponseMessages")
	if err != nil {
		return err
	}
	for _, m := range all.children {
		if m.space != mNS || m.name != response.name+"Message" {
			return fmt.Errorf("ResponseMessages has %s", m.name)
		}
		if err := checkMessage(operation, m); err != nil {
			return err
		}
	}
	return nil
}

func checkMessage(operation string, m *element) error {
	c := children(m)
	if m.attrs["ResponseClass"] == "Error" {
		for _, name := range []string{"MessageText", "ResponseCode", "DescriptiveLinkKey"} {
			if _, err := c.read(mNS, name); err != nil {
				return err
			}
		}
		if c.is(mNS, "MessageXml") {
			_, _ = c.read(mNS, "MessageXml")
		}
		if operation != "GetStreamingEvents" {
			return c.end()
		}
		if c.is(mNS, "ErrorSubscriptionIds") {
			ids, _ := c.read(mNS, "ErrorSubscriptionIds")
			for _, id := range ids.children {
				if id.space != mNS || id.name != "SubscriptionId" {
					return fmt.Errorf("ErrorSubscriptionIds has %s of %s", id.name, id.space)
				}
			}
		}
		if c.is(mNS, "ConnectionStatus") { // it skips that one
			_, _ = c.read(mNS, "ConnectionStatus")
		}
		return c.end()
	}
	if _, err := c.read(mNS, "ResponseCode"); err != nil {
		return err
	}
	switch operation {
	case "Subscribe":
		if _, err := c.read(mNS, "SubscriptionId"); err != nil {
			return err
		}
		if c.is(mNS, "Watermark") {
			_, _ = c.read(mNS, "Watermark")
		}
	case "GetEvents":
		n, err := c.read(mNS, "Notification")
		if err != nil {
			return err
		}
		if err := checkNotification(n, true); err != nil {
			return err
		}
	case "GetStreamingEvents":
		if !c.is(mNS, "Notifications") {
			if _, err := c.read(mNS, "ConnectionStatus"); err != nil {
				return err
			}
			break
		}
		list, _ := c.read(mNS, "Notifications") // one or the other, and then the end
		for _, n := range list.children {
			if n.space != mNS || n.name != "Notification" {
				return fmt.Errorf("Notifications has %s of %s", n.name, n.space)
			}
			if err := checkNotification(n, false); err != nil {
				return err
			}
		}
	}
	return c.end()
}

func checkNotification(n *element, pull bool) error {
	c := children(n)
	if _, err := c.read(tNS, "SubscriptionId"); err != nil {
		return err
	}
	if pull {
		for _, name := range []string{"PreviousWatermark", "MoreEvents"} {
			if _, err := c.read(tNS, name); err != nil {
				return err
			}
		}
	}
	if len(c.left) == 0 {
		return fmt.Errorf("a Notification tells nothing")
	}
	for _, e := range c.left {
		if err := checkEvent(e, pull); err != nil {
			return err
		}
	}
	return nil
}

func checkEvent(e *element, pull bool) error {
	if e.space != tNS {
		return fmt.Errorf("an event %s of %s", e.name, e.space)
	}
	c := children(e)
	if pull {
		if _, err := c.read(tNS, "Watermark"); err != nil {
			return err
		}
	}
	if e.name == "StatusEvent" {
		return c.end()
	}
	if _, err := c.read(tNS, "TimeStamp"); err != nil {
		return err
	}
	what := "ItemId"
	if !c.is(tNS, what) {
		what = "FolderId"
	}
	order := []string{what, "ParentFolderId"}
	switch e.name {
	case "MovedEvent", "CopiedEvent":
		order = append(order, "Old"+what, "OldParentFolderId")
	case "CreatedEvent", "DeletedEvent", "NewMailEvent", "FreeBusyChangedEvent", "ModifiedEvent":
	default:
		return fmt.Errorf("an event %s", e.name)
	}
	for _, name := range order {
		id, err := c.read(tNS, name)
		if err != nil {
			return err
		}
		if id.attrs["Id"] == "" || id.attrs["ChangeKey"] == "" {
			return fmt.Errorf("%s of a %s is incomplete", name, e.name)
		}
	}
	if e.name == "ModifiedEvent" && what == "FolderId" && c.is(tNS, "UnreadCount") {
		_, _ = c.read(tNS, "UnreadCount")
	}
	return c.end()
}
