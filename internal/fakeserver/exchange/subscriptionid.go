package exchange

import (
	"encoding/base64"
	"encoding/binary"
	"time"
)

// ticksAtUnixZero is .NET's count, in units of 100 ns, of the beginning of 1970.
const ticksAtUnixZero = 621_355_968_000_000_000

// newSubscriptionID names the back-end that has the subscription, so that the service finds it: the length of its name
// and the name, the length of a GUID and a GUID, the time, and the same for the mailbox. Exchange 2010 has a bare GUID.
// All is little-endian.
func newSubscriptionID(v ServerVersion, backEnd string, mailbox guid, now time.Time) string {
	id := newGUID()
	if v.Major < 15 {
		return id.String()
	}
	b := binary.LittleEndian.AppendUint16(nil, uint16(len(backEnd)))
	b = append(b, backEnd...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(id)))
	b = append(b, id[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(now.UnixNano()/100+ticksAtUnixZero))
	if v.Minor > 0 { // since Exchange 2016
		b = binary.LittleEndian.AppendUint32(b, uint32(len(mailbox)))
		b = append(b, mailbox[:]...)
	}
	return base64.StdEncoding.EncodeToString(b)
}

// backEndOf reads the name of the back-end out of an id; false if it has none.
func backEndOf(id string) (string, bool) {
	b, err := base64.StdEncoding.DecodeString(id)
	if err != nil || len(b) < 2 {
		return "", false
	}
	n := int(binary.LittleEndian.Uint16(b))
	if n == 0 || len(b) < 2+n+4 {
		return "", false
	}
	return string(b[2 : 2+n]), true
}
