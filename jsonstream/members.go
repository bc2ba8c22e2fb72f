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

// members holds the raw values of the members met so far, by unescaped name.
type members struct {
	values map[string][]byte
	size   int
}

// put keeps a copy of raw under name if there is room for it. It replaces what name had before in any case: the last one
// of a name wins, also when it cannot be kept.
func (m *members) put(name string, raw []byte) {
	m.drop(name)
	size := len(name) + len(raw)
	if len(m.values) >= maxMembers || m.size+size > maxMembersBytes {
		return
	}
	if m.values == nil {
		m.values = make(map[string][]byte)
	}
	m.values[name] = bytes.Clone(raw)
	m.size += size
}

// drop forgets name.
func (m *members) drop(name string) {
	if old, ok := m.values[name]; ok {
		m.size -= len(name) + len(old)
		delete(m.values, name)
	}
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
