package jsonstream

import (
	"bytes"
	"encoding/json"
	"slices"
)

// What is kept of the members beside the array. They are for context links and error documents; a server that
// sends more than this must not be able to grow our memory with it.
const (
	maxMemberBytes  = 64 << 10  // one member's value; also its name
	maxMembers      = 64        // how many
	maxMembersBytes = 256 << 10 // all names and values together
)

// members holds the raw values of the members met so far, by unescaped name. There are few, and a map for one or two would be
// a good part of what an idle stream holds.
type members struct {
	all  []member
	size int
}

type member struct {
	name  string
	value []byte
}

// get returns the value of name; nil if there is none.
func (m *members) get(name string) []byte {
	for _, member := range m.all {
		if member.name == name {
			return member.value
		}
	}
	return nil
}

// put keeps a copy of raw under name if there is room for it. It replaces what name had before in any case: the last one
// of a name wins, also when it cannot be kept.
func (m *members) put(name string, raw []byte) {
	m.drop(name)
	size := len(name) + len(raw)
	if len(m.all) >= maxMembers || m.size+size > maxMembersBytes {
		return
	}
	m.all = append(m.all, member{name, bytes.Clone(raw)})
	m.size += size
}

// drop forgets name.
func (m *members) drop(name string) {
	m.all = slices.DeleteFunc(m.all, func(old member) bool {
		if old.name == name {
			m.size -= len(name) + len(old.value)
		}
		return old.name == name
	})
}

// unescape returns the name that raw, a valid JSON string with its quotes, stands for: within raw, if it stands for itself.
func unescape(raw []byte) []byte {
	name := raw[1 : len(raw)-1]
	if !slices.ContainsFunc(name, func(c byte) bool { return c == '\\' || c >= 0x80 }) {
		return name
	}
	var unescaped string
	// It cannot fail: raw was validated, and what is not UTF-8 becomes U+FFFD.
	_ = json.Unmarshal(raw, &unescaped)
	return []byte(unescaped)
}
