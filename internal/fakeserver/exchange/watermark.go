package exchange

import (
	"encoding/base64"
	"encoding/binary"
)

// A watermark is opaque to clients: four zero bytes, a counter, and a one.

func watermarkOf(seq uint64) string {
	b := make([]byte, 4, 13)
	b = append(binary.LittleEndian.AppendUint64(b, seq), 1)
	return base64.StdEncoding.EncodeToString(b)
}

func parseWatermark(text string) (uint64, bool) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) != 13 || b[12] != 1 || binary.LittleEndian.Uint32(b) != 0 {
		return 0, false
	}
	return binary.LittleEndian.Uint64(b[4:]), true
}
