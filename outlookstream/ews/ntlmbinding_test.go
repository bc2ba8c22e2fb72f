package ews

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"net/http"
	"testing"

	"github.com/calwatch/calwatch/outlookstream"
)

// The example that Microsoft published for its own clients.
func TestAChannelBindingIsAsMicrosoftComputesIt(t *testing.T) {
	endPoint, err := hex.DecodeString("ea05fefecc6b0bd571dbbc5baa3ed45386d0446835f7b74c85621b9983475f95")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := channelBinding(endPoint), "6586e99d81c2fc984e47172fd4dd0310"; hex.EncodeToString(got[:]) != want {
		t.Errorf("got %x, want %s", got, want)
	}
}

func TestNTLMOverTLSIsBoundToTheServersCertificate(t *testing.T) {
	server := newNTLMServerOver(t, true)
	transport := outlookstream.NewTransport() // which would rather speak HTTP/2
	transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig
	c, err := New(NTLM(testUser, fixed(testPassword)), &Options{URL: server.URL + "/EWS/Exchange.asmx", HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Session("").Subscribe(t.Context(), Mailbox{}); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(server.Certificate().Raw)
	binding := channelBinding(sum[:])
	if want := append([]byte{avChannelBindings, 0, 16, 0}, binding[:]...); !bytes.Contains(server.answered, want) {
		t.Errorf("no %x in %x", want, server.answered)
	}
}

func TestAChallengeThatCannotBeBoundIsLeftAsItIs(t *testing.T) {
	connection := &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{Raw: []byte("x")}}}
	whole := challengeMessage([]byte("12345678"))
	withBinding := bound(whole, connection)
	if len(withBinding) == len(whole) {
		t.Fatal("a good challenge was not bound")
	}
	endless := append([]byte(nil), whole[:len(whole)-4]...)
	endless[infoField] -= 4
	beyond := append([]byte(nil), whole...)
	beyond[infoField+4] = 255
	for name, challenge := range map[string][]byte{
		"nothing": nil, "cut short": whole[:infoField+7], "no attributes' end": endless, "attributes beyond the end": beyond, "bound by the server": withBinding,
	} {
		if got := bound(challenge, connection); !bytes.Equal(got, challenge) {
			t.Errorf("%s: %x became %x", name, challenge, got)
		}
	}
	for _, none := range []*tls.ConnectionState{nil, {}} {
		if got := bound(whole, none); !bytes.Equal(got, whole) {
			t.Errorf("without a certificate: %x", got)
		}
	}
}

func TestACertificateIsKnownByTheHashOfItsSignature(t *testing.T) {
	for algorithm, size := range map[x509.SignatureAlgorithm]int{
		x509.SHA1WithRSA: 32, x509.SHA256WithRSA: 32, x509.ECDSAWithSHA384: 48, x509.SHA512WithRSAPSS: 64, x509.PureEd25519: 32,
	} {
		if got := len(endPoint(&x509.Certificate{Raw: []byte("x"), SignatureAlgorithm: algorithm})); got != size {
			t.Errorf("%v: %d bytes, want %d", algorithm, got, size)
		}
	}
}
