package httpauth

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf16"
)

// ntHash is what a domain controller keeps of a password.
func ntHash(password string) [16]byte { return md4(utf16LE(password)) }

// ntowfV2 is the key of NTLMv2: MS-NLMP section 3.3.2. The user's name counts in upper case, the domain's as it is.
func ntowfV2(hash [16]byte, user, domain string) []byte {
	return hmacMD5(hash[:], utf16LE(strings.ToUpper(user)+domain))
}

func hmacMD5(key []byte, parts ...[]byte) []byte {
	mac := hmac.New(md5.New, key)
	for _, part := range parts {
		mac.Write(part)
	}
	return mac.Sum(nil)
}

func utf16LE(text string) []byte {
	var b []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return b
}

func fromUTF16LE(b []byte) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}

// md4 is RFC 1320, which the standard library does not have, for good reasons.
func md4(message []byte) [16]byte {
	padded := append(slices.Clone(message), 0x80)
	for len(padded)%64 != 56 {
		padded = append(padded, 0)
	}
	padded = binary.LittleEndian.AppendUint64(padded, uint64(len(message))*8)
	state := [4]uint32{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}
	for block := range slices.Chunk(padded, 64) {
		md4Block(&state, block)
	}
	var sum [16]byte
	for i, word := range state {
		binary.LittleEndian.PutUint32(sum[4*i:], word)
	}
	return sum
}

var (
	md4Shifts    = [3][4]int{{3, 7, 11, 19}, {3, 5, 9, 13}, {3, 9, 11, 15}}
	md4Constants = [3]uint32{0, 0x5a827999, 0x6ed9eba1}
)

func md4Block(state *[4]uint32, block []byte) {
	a, b, c, d := state[0], state[1], state[2], state[3]
	for step := range 48 {
		round, i := step/16, step%16
		var mix uint32
		word := i
		switch round {
		case 0:
			mix = b&c | ^b&d
		case 1:
			mix = b&c | b&d | c&d
			word = i%4*4 + i/4
		case 2:
			mix = b ^ c ^ d
			word = int(bits.Reverse8(uint8(i)) >> 4)
		}
		x := binary.LittleEndian.Uint32(block[4*word:])
		a, b, c, d = d, bits.RotateLeft32(a+mix+x+md4Constants[round], md4Shifts[round][i%4]), b, c
	}
	state[0] += a
	state[1] += b
	state[2] += c
	state[3] += d
}
