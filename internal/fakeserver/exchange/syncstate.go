package exchange

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
)

// A syncState is how much of a journal a client has been told. On the wire it
// is opaque.
type syncState struct {
	epoch int64  // of the mailbox: states of an earlier one are no good any more
	of    string // the folder, or the mailbox
	// The client knows all until base. If end is not 0, it is in the middle of
	// what happened from there until end, and has had that many differences.
	base, end, had int
}

const (
	syncStateMagic = "CWSS"
	// Real states are large, and clients cut them off in columns that are too
	// narrow: an empty folder's is some 200 characters.
	syncStatePadding = 96
)

func (s syncState) String() string {
	b := append([]byte(nil), syncStateMagic...)
	b = binary.AppendVarint(b, s.epoch)
	for _, n := range []int{s.base, s.end, s.had} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	sum := sha256.Sum256([]byte(s.of))
	b = append(b, sum[:]...)
	for range syncStatePadding {
		b = append(b, 0)
	}
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return base64.StdEncoding.EncodeToString(b)
}

// parseSyncState reads the state of what is called of. "" is the beginning.
// Anything that is not whole, or of something else, is none.
func parseSyncState(text string, epoch int64, of string) (syncState, bool) {
	s := syncState{epoch: epoch, of: of}
	if text == "" {
		return s, true
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) < len(syncStateMagic)+4 || string(b[:len(syncStateMagic)]) != syncStateMagic {
		return s, false
	}
	b = b[len(syncStateMagic):]
	was, n := binary.Varint(b)
	if n <= 0 {
		return s, false
	}
	b = b[n:]
	for _, field := range []*int{&s.base, &s.end, &s.had} {
		v, n := binary.Uvarint(b)
		if n <= 0 || v > 1<<40 {
			return s, false
		}
		*field, b = int(v), b[n:]
	}
	// What is left, the checksum among it, is right if all of it is.
	return s, was == epoch && s.String() == text
}

// A syncPage is what one request gets of the differences.
type syncPage struct {
	differences []difference
	state       syncState // to go on from
	last        bool      // there are no more
}

// pageOf returns at most limit differences from a state on.
func (j *journal) pageOf(s syncState, limit int) (syncPage, bool) {
	if s.end == 0 {
		s.end, s.had = j.now(), 0
	}
	if s.base > s.end || s.end > j.now() {
		return syncPage{}, false // a state from another life
	}
	all := j.between(s.base, s.end)
	if s.had > len(all) {
		return syncPage{}, false
	}
	rest := all[s.had:]
	if len(rest) > limit {
		s.had += limit
		return syncPage{differences: rest[:limit], state: s}, true
	}
	p := syncPage{differences: rest, last: s.end == j.now()}
	p.state = syncState{epoch: s.epoch, of: s.of, base: s.end}
	return p, true
}
