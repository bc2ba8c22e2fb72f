package ews

import (
	"crypto"
	"crypto/md5"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"math"
	"slices"

	_ "crypto/sha256" // of certificates
	_ "crypto/sha512"
)

// Extended Protection binds NTLM to the TLS connection: the client's answer has
// the server's certificate in it, so that somebody in between cannot pass it on.
// The client says so in a copy of the server's own list of attributes, over which
// its answer is computed (MS-NLMP 3.1.5.1.2): here it is put into the challenge,
// for the library to copy.

// bound returns the challenge with the binding to the connection in it; as it is,
// if the connection has no certificate or the challenge no attributes.
func bound(challenge []byte, connection *tls.ConnectionState) []byte {
	if connection == nil || len(connection.PeerCertificates) == 0 {
		return challenge
	}
	info, ok := targetInfo(challenge)
	if !ok {
		return challenge
	}
	binding := channelBinding(endPoint(connection.PeerCertificates[0]))
	extended := slices.Concat(info, []byte{avChannelBindings, 0, byte(len(binding)), 0}, binding[:], []byte{0, 0, 0, 0})
	if len(extended) > math.MaxUint16 {
		return challenge
	}
	// The field of the attributes is made to point to a second copy, behind the rest.
	out := slices.Concat(challenge, extended)
	binary.LittleEndian.PutUint16(out[infoField:], uint16(len(extended)))
	binary.LittleEndian.PutUint16(out[infoField+2:], uint16(len(extended)))
	binary.LittleEndian.PutUint32(out[infoField+4:], uint32(len(challenge)))
	return out
}

const (
	infoField         = 40 // of a CHALLENGE_MESSAGE: TargetInfoFields
	avEOL             = 0
	avChannelBindings = 10
)

// targetInfo returns the attributes of a challenge, without their end.
func targetInfo(challenge []byte) ([]byte, bool) {
	if len(challenge) < infoField+8 {
		return nil, false
	}
	length := int(binary.LittleEndian.Uint16(challenge[infoField:]))
	offset := int64(binary.LittleEndian.Uint32(challenge[infoField+4:]))
	if offset+int64(length) > int64(len(challenge)) {
		return nil, false
	}
	info := challenge[offset : offset+int64(length)]
	for at := 0; at+4 <= len(info); {
		switch binary.LittleEndian.Uint16(info[at:]) {
		case avEOL:
			return info[:at], true
		case avChannelBindings: // not the server's to say
			return nil, false
		}
		at += 4 + int(binary.LittleEndian.Uint16(info[at+2:]))
	}
	return nil, false
}

// endPoint is tls-server-end-point (RFC 5929): the certificate by the hash of its
// signature, and by SHA-256 where that is weaker or unknown.
func endPoint(certificate *x509.Certificate) []byte {
	hash := crypto.SHA256
	switch certificate.SignatureAlgorithm {
	case x509.SHA384WithRSA, x509.ECDSAWithSHA384, x509.SHA384WithRSAPSS:
		hash = crypto.SHA384
	case x509.SHA512WithRSA, x509.ECDSAWithSHA512, x509.SHA512WithRSAPSS:
		hash = crypto.SHA512
	}
	h := hash.New()
	h.Write(certificate.Raw)
	return h.Sum(nil)
}

// channelBinding is the MD5 of RFC 2744's gss_channel_bindings_struct, without
// addresses.
func channelBinding(endPoint []byte) [md5.Size]byte {
	data := append([]byte("tls-server-end-point:"), endPoint...)
	bindings := make([]byte, 16, 20+len(data)) // two addresses: type and length, all zero
	bindings = binary.LittleEndian.AppendUint32(bindings, uint32(len(data)))
	return md5.Sum(append(bindings, data...))
}
