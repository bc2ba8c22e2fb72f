// Package data makes the elements that everything here is measured with. They
// have the members, the order and the lengths of what the service sent
// (docs/protocol.md), and no two are alike but keep-alives: one element
// repeated teaches the branch predictor, and flatters every decoder.
package data

import (
	"bytes"
	"math/rand/v2"
)

// A Kind is a kind of element.
type Kind int

const (
	KeepAlive       Kind = iota // 80 B; on the wire each is byte for byte the same, and so they are here
	Simple                      // 1.15 KB: a notification that names an item
	Rich14K                     // 14 KB: an event with 20 attendees and an HTML body of 8 KB
	Rich70K                     // 70 KB: the same with a body of 64 KB
	Rich70KNonASCII             // 70 KB: its texts are mostly Chinese, Japanese and Russian
)

// Kinds are all of them.
func Kinds() []Kind { return []Kind{KeepAlive, Simple, Rich14K, Rich70K, Rich70KNonASCII} }

func (k Kind) String() string {
	switch k {
	case KeepAlive:
		return "keepalive"
	case Simple:
		return "simple"
	case Rich14K:
		return "rich14k"
	case Rich70K:
		return "rich70k"
	case Rich70KNonASCII:
		return "rich70k-nonascii"
	default:
		return "unknown"
	}
}

// count is how many elements there are of each kind.
const count = 128

// Elements returns the elements of a kind, the same ones each time. The
// SequenceNumbers of notifications, all of one subscription, go from 1 up.
func Elements(k Kind) [][]byte {
	elements := make([][]byte, count)
	for i := range elements {
		w := &writer{random: rand.New(rand.NewPCG(uint64(k), uint64(i)))}
		w.element(k, i)
		elements[i] = w.buf.Bytes()
	}
	return elements
}

// VariedKeepAlives returns keep-alives that differ from their neighbours, as
// no service sends them: for whoever wants to know what recognizing the last
// one by its bytes is worth.
func VariedKeepAlives() [][]byte {
	variants := []string{"Ok", "OK", "ok", "Okay", "Degraded", "Ok, but busy"}
	elements := make([][]byte, count/len(variants)*len(variants))
	for i := range elements {
		w := new(writer)
		w.keepAlive(variants[i%len(variants)])
		elements[i] = w.buf.Bytes()
	}
	return elements
}

// The ends of a document, around its elements.
const (
	Head = `{"@odata.context":"https://outlook.office.com/api/beta/metadata#Notifications","value":[`
	Tail = `]}`
)

// Document returns a whole stream of elements.
func Document(elements [][]byte) []byte {
	document := append([]byte(Head), bytes.Join(elements, []byte{','})...)
	return append(document, Tail...)
}
