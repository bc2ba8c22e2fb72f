package httpauth

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"time"
)

// The messages of MS-NLMP, section 2.2.1.
const (
	ntlmSignature = "NTLMSSP\x00"

	typeNegotiate    = 1
	typeChallenge    = 2
	typeAuthenticate = 3
)

// Flags of a message: what a client can do, and what the server chooses of it.
const (
	flagUnicode         = 1 << 0
	flagOEM             = 1 << 1
	flagRequestTarget   = 1 << 2
	flagNTLM            = 1 << 9
	flagAlwaysSign      = 1 << 15
	flagTargetDomain    = 1 << 16
	flagExtendedSession = 1 << 19
	flagTargetInfo      = 1 << 23
	flagVersion         = 1 << 25
	flag128             = 1 << 29
	flag56              = 1 << 31

	// The exchange of session keys is not among them: nothing is signed or sealed over HTTP.
	flagsTaken = flagRequestTarget | flagAlwaysSign | flagExtendedSession | flag128 | flag56
)

// Attributes within the target information.
const (
	attrEnd          = 0
	attrComputer     = 1
	attrDomain       = 2
	attrComputerDNS  = 3
	attrDomainDNS    = 4
	attrFlags        = 6
	attrTimestamp    = 7
	attrFlagHasMIC   = 1 << 1
	ntlmV1Response   = 24 // its length
	blobHeader       = 28 // before the attributes in a NTLMv2 response
	offsetMIC        = 72
	lengthMIC        = 16
	challengeHeader  = 56
	maxNTLMMessage   = 16 << 10
	fileTimeToUnix   = 116444736000000000 // 100 ns since 1601
	ntlmRevision     = 15
	windowsMajor     = 10
	windowsBuild2022 = 20348
)

// messageType is 0 for what is no message.
func messageType(b []byte) uint32 {
	if len(b) < 12 || len(b) > maxNTLMMessage || !bytes.HasPrefix(b, []byte(ntlmSignature)) {
		return 0
	}
	return binary.LittleEndian.Uint32(b[8:])
}

// formatChallenge makes the server's message; nil if it has nothing in common with the client.
func formatChallenge(negotiate []byte, nonce [8]byte, domain string, now time.Time) []byte {
	if len(negotiate) < 16 {
		return nil
	}
	wanted := binary.LittleEndian.Uint32(negotiate[12:])
	flags := wanted&flagsTaken | flagNTLM | flagTargetDomain | flagTargetInfo | flagVersion
	text := utf16LE
	switch { // MS-NLMP section 3.2.5.1.1; clients that know of extended sessions may leave out that they know of NTLM
	case wanted&(flagNTLM|flagExtendedSession) == 0:
		return nil
	case wanted&flagUnicode != 0:
		flags |= flagUnicode
	case wanted&flagOEM != 0:
		flags |= flagOEM
		text = func(name string) []byte { return []byte(name) }
	default:
		return nil
	}
	dns := strings.ToLower(domain) + ".test"
	var info []byte
	attr := func(id uint16, value []byte) {
		info = binary.LittleEndian.AppendUint16(info, id)
		info = binary.LittleEndian.AppendUint16(info, uint16(len(value)))
		info = append(info, value...)
	}
	attr(attrDomain, utf16LE(domain))
	attr(attrComputer, utf16LE("EX01"))
	attr(attrDomainDNS, utf16LE(dns))
	attr(attrComputerDNS, utf16LE("ex01."+dns))
	attr(attrTimestamp, binary.LittleEndian.AppendUint64(nil, uint64(now.UnixNano()/100+fileTimeToUnix)))
	attr(attrEnd, nil)

	name := text(domain)
	b := []byte(ntlmSignature)
	b = binary.LittleEndian.AppendUint32(b, typeChallenge)
	b = appendField(b, len(name), challengeHeader)
	b = binary.LittleEndian.AppendUint32(b, flags)
	b = append(b, nonce[:]...)
	b = append(b, make([]byte, 8)...)
	b = appendField(b, len(info), challengeHeader+len(name))
	b = append(b, windowsMajor, 0)
	b = binary.LittleEndian.AppendUint16(b, windowsBuild2022)
	b = append(b, 0, 0, 0, ntlmRevision)
	b = append(b, name...)
	return append(b, info...)
}

func appendField(b []byte, length, offset int) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(length))
	b = binary.LittleEndian.AppendUint16(b, uint16(length))
	return binary.LittleEndian.AppendUint32(b, uint32(offset))
}

// authenticate is the client's second message, with a NTLMv2 response.
type authenticate struct {
	user, domain string
	proof, blob  []byte // the two parts of the response
	protected    bool   // there is a MIC over all messages
	mic          []byte
	withoutMIC   []byte // the message with zeros in its place
}

func parseAuthenticate(b []byte) (*authenticate, bool) {
	if len(b) < 64 {
		return nil, false
	}
	response, ok1 := field(b, 20)
	domain, ok2 := field(b, 28)
	user, ok3 := field(b, 36)
	if !ok1 || !ok2 || !ok3 || len(response) <= max(ntlmV1Response, 16+blobHeader) {
		return nil, false
	}
	a := &authenticate{proof: response[:16], blob: response[16:]}
	switch flags := binary.LittleEndian.Uint32(b[60:]); {
	case flags&flagUnicode != 0:
		a.user, a.domain = fromUTF16LE(user), fromUTF16LE(domain)
	case flags&flagOEM != 0:
		a.user, a.domain = string(user), string(domain)
	default:
		return nil, false
	}
	if a.blob[0] != 1 || a.blob[1] != 1 { // versions of the response
		return nil, false
	}
	if a.protected = hasMIC(a.blob[blobHeader:]); a.protected {
		if len(b) < offsetMIC+lengthMIC {
			return nil, false
		}
		a.mic = b[offsetMIC : offsetMIC+lengthMIC]
		a.withoutMIC = slices.Clone(b)
		clear(a.withoutMIC[offsetMIC : offsetMIC+lengthMIC])
	}
	return a, true
}

// field reads what a length and an offset at a place in the header stand for.
func field(b []byte, at int) ([]byte, bool) {
	length := uint64(binary.LittleEndian.Uint16(b[at:]))
	offset := uint64(binary.LittleEndian.Uint32(b[at+4:]))
	if length == 0 {
		return nil, true
	}
	if offset+length > uint64(len(b)) {
		return nil, false
	}
	return b[offset : offset+length], true
}

// hasMIC looks in a client's attributes whether it says that it protects the exchange.
func hasMIC(attributes []byte) bool {
	for len(attributes) >= 4 {
		id, length := binary.LittleEndian.Uint16(attributes), int(binary.LittleEndian.Uint16(attributes[2:]))
		attributes = attributes[4:]
		if id == attrEnd || length > len(attributes) {
			return false
		}
		if id == attrFlags && length == 4 {
			return binary.LittleEndian.Uint32(attributes)&attrFlagHasMIC != 0
		}
		attributes = attributes[length:]
	}
	return false
}

// names are the accounts that the client may mean, the likeliest first.
func (a *authenticate) names() []string {
	if a.domain == "" {
		return []string{a.user}
	}
	return []string{a.domain + `\` + a.user, a.user + "@" + a.domain, a.user}
}
