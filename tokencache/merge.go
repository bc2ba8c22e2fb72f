package tokencache

import (
	"bytes"
	"encoding/json"
	"time"
)

// merged is the outcome of a merge.
type merged struct {
	cache  []byte // as MSAL serializes it
	ours   bool   // it holds the same as ours
	theirs bool   // it holds the same as theirs
}

// merge returns what is to be stored after a client that had loaded base and now has ours met theirs in the store. An
// entry that the client did not touch is as it is stored, be it changed or removed; one that it did touch is as the client
// has it. If both changed an entry, the client's is the later one: it is writing now. Access tokens that have
// expired are left out, as MSAL never removes them, and takes the first that matches, expired or not.
func merge(base, ours, theirs []byte, now time.Time) (merged, error) {
	var parsed [3]contents
	for i, raw := range [][]byte{base, ours, theirs} {
		if i == 2 && bytes.Equal(base, theirs) { // most often nobody else has stored anything
			parsed[i] = parsed[0]
			continue
		}
		c, err := parse(raw)
		if err != nil {
			return merged{}, err
		}
		parsed[i] = c
	}
	result := contents(mergeMembers(parsed[0], parsed[1], parsed[2], mergeSection))
	if tokens := result["AccessToken"]; tokens.entries != nil {
		dropExpired(tokens.entries, now)
	}
	return merged{cache: result.encode(), ours: result.same(parsed[1]), theirs: result.same(parsed[2])}, nil
}

// mergeMembers merges member by member. member says what becomes of one, and whether anything does; what is not there is the zero V.
func mergeMembers[V any](base, ours, theirs map[string]V, member func(base, ours, theirs V) (V, bool)) map[string]V {
	result := map[string]V{}
	for _, side := range []map[string]V{ours, theirs} {
		for name := range side {
			if value, ok := member(base[name], ours[name], theirs[name]); ok {
				result[name] = value
			}
		}
	}
	return result
}

func mergeSection(base, ours, theirs section) (section, bool) {
	for _, s := range []section{base, ours, theirs} {
		if s.value != nil { // not a section of entries
			value, ok := mergeValue(base.encode(), ours.encode(), theirs.encode())
			return section{value: value}, ok
		}
	}
	entries := mergeMembers(base.entries, ours.entries, theirs.entries, mergeValue)
	// If its last entries were removed, it is gone, too: MSAL does not write an empty section.
	return section{entries: entries}, len(entries) > 0 || len(ours.entries)+len(theirs.entries) == 0
}

func mergeValue(base, ours, theirs json.RawMessage) (json.RawMessage, bool) {
	if equal(base, ours) {
		return theirs, theirs != nil
	}
	return ours, ours != nil
}

// dropExpired removes the tokens whose time is over. What does not look like a token stays.
func dropExpired(tokens object, now time.Time) {
	for name, raw := range tokens {
		var token accessTokenEntry
		if json.Unmarshal(raw, &token) != nil {
			continue
		}
		if end, ok := token.end(); ok && !end.After(now) {
			delete(tokens, name)
		}
	}
}
