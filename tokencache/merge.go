package tokencache

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// MSAL's serialized cache, which it shares with its siblings in other languages, is an object of sections (AccessToken, RefreshToken, IdToken,
// Account, AppMetadata), each of them an object of entries. Sections that MSAL may add later are merged like these; values
// are never taken apart below an entry, and are kept as they were written.
type object = map[string]json.RawMessage

var errNotObject = errors.New("not a JSON object")

// parseObject is for input that holds secrets: the error quotes nothing.
func parseObject(raw []byte) (object, error) {
	var o object
	if json.Unmarshal(raw, &o) != nil || o == nil {
		return nil, errNotObject
	}
	return o, nil
}

// merge returns what is to be stored after a client that had loaded base and now has ours met theirs in the store. An
// entry that the client did not touch is as it is stored, be it changed or removed; one that it did touch is as the client
// has it. If both changed an entry, the client's is the later one: it is writing now. Access tokens that have
// expired are left out, as MSAL never removes them, and takes the first that matches, expired or not.
func merge(base, ours, theirs []byte, now time.Time) ([]byte, error) {
	var parsed [3]object
	for i, raw := range [][]byte{base, ours, theirs} {
		o, err := parseObject(raw)
		if err != nil {
			return nil, err
		}
		parsed[i] = o
	}
	merged := mergeObjects(parsed[0], parsed[1], parsed[2], mergeSection)
	if section, ok := merged["AccessToken"]; ok {
		merged["AccessToken"] = dropExpired(section, now)
	}
	return json.Marshal(merged)
}

// mergeObjects merges member by member; nil stands for a member that is not there.
func mergeObjects(base, ours, theirs object, member func(base, ours, theirs json.RawMessage) json.RawMessage) object {
	merged := object{}
	for _, side := range []object{ours, theirs} {
		for name := range side {
			if value := member(base[name], ours[name], theirs[name]); value != nil {
				merged[name] = value
			}
		}
	}
	return merged
}

func mergeSection(base, ours, theirs json.RawMessage) json.RawMessage {
	var parsed [3]object
	for i, raw := range []json.RawMessage{base, ours, theirs} {
		if raw == nil {
			continue
		}
		o, err := parseObject(raw)
		if err != nil {
			return mergeValue(base, ours, theirs) // not a section of entries
		}
		parsed[i] = o
	}
	merged := mergeObjects(parsed[0], parsed[1], parsed[2], mergeValue)
	if len(merged) == 0 && len(parsed[1])+len(parsed[2]) > 0 {
		return nil // its last entries were removed; MSAL does not write an empty section
	}
	return encode(merged)
}

func mergeValue(base, ours, theirs json.RawMessage) json.RawMessage {
	if equal(base, ours) {
		return theirs
	}
	return ours
}

// encode cannot fail: the values have been parsed.
func encode(o object) json.RawMessage {
	raw, _ := json.Marshal(o)
	return raw
}

// sameCache reports whether two caches hold the same. It compares entry by entry, and most of them are the same bytes.
func sameCache(a, b []byte) bool {
	return sameMembers(a, b, func(a, b json.RawMessage) bool { return sameMembers(a, b, equal) })
}

func sameMembers(a, b json.RawMessage, same func(a, b json.RawMessage) bool) bool {
	x, errX := parseObject(a)
	y, errY := parseObject(b)
	if errX != nil || errY != nil {
		return equal(a, b)
	}
	return maps.EqualFunc(x, y, same)
}

// equal compares values, not bytes. Numbers are compared as float64: that is what MSAL makes of the number in
// a field that it does not know, and what it merely passed on must not look changed.
func equal(a, b json.RawMessage) bool {
	if a == nil || b == nil || bytes.Equal(a, b) {
		return (a == nil) == (b == nil)
	}
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	return reflect.DeepEqual(x, y)
}

// dropExpired returns section without the tokens whose time is over. What does not look like a token stays.
func dropExpired(section json.RawMessage, now time.Time) json.RawMessage {
	tokens, err := parseObject(section)
	if err != nil {
		return section
	}
	for name, raw := range tokens {
		var token struct {
			ExpiresOn json.RawMessage `json:"expires_on"` // Unix seconds, as a string
		}
		if json.Unmarshal(raw, &token) != nil {
			continue
		}
		seconds, err := strconv.ParseInt(strings.Trim(string(token.ExpiresOn), `"`), 10, 64)
		if err == nil && !time.Unix(seconds, 0).After(now) {
			delete(tokens, name)
		}
	}
	return encode(tokens)
}
