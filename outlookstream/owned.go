package outlookstream

import (
	"bytes"
	"strings"
)

// What a notification keeps is copied from the element, whose bytes are used again.

// common returns texts of the wire that do not have to be copied each time.
func common(text []byte) string {
	switch string(text) {
	case notificationType:
		return notificationType
	case keepAliveType:
		return keepAliveType
	case "Created":
		return "Created"
	case "Updated":
		return "Updated"
	case "Deleted":
		return "Deleted"
	case "Ok":
		return "Ok"
	case "OK":
		return "OK"
	default:
		return ""
	}
}

// owned makes strings of bytes, several in one piece of memory.
type owned struct{ strings.Builder }

func (o *owned) own(text []byte) string {
	if s := common(text); s != "" {
		return s
	}
	start := o.Len()
	o.Write(text)
	return o.String()[start:]
}

// unquote returns what a JSON string says; "" for any other value.
func (o *owned) unquote(value []byte) string {
	if len(value) == 0 || value[0] != '"' {
		return ""
	}
	start, text := o.Len(), value[1:len(value)-1]
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 {
			o.Write(text)
			return o.String()[start:]
		}
		if c := text[i+1]; c != '"' && c != '\\' && c != '/' {
			var s string
			_ = json.Unmarshal(value, &s) // it cannot fail: jsonstream has read it
			return s
		}
		o.Write(text[:i]) // ETags are full of quotation marks
		o.WriteByte(text[i+1])
		text = text[i+2:]
	}
}

// newNotification returns a notification, and room for an item of that size: beside it, if the item is as small as it is when nothing
// was selected, since what is asked of the runtime twice takes longer than what is asked for once. The sizes fill what the runtime
// gives out.
func newNotification(item int) (*Notification, []byte) {
	switch {
	case item == 0 || item > 1088:
		return new(Notification), nil
	case item <= 328:
		n := new(struct {
			Notification
			item [328]byte
		})
		return &n.Notification, n.item[:0:item]
	case item <= 576:
		n := new(struct {
			Notification
			item [576]byte
		})
		return &n.Notification, n.item[:0:item]
	case item <= 832:
		n := new(struct {
			Notification
			item [832]byte
		})
		return &n.Notification, n.item[:0:item]
	default:
		n := new(struct {
			Notification
			item [1088]byte
		})
		return &n.Notification, n.item[:0:item]
	}
}
