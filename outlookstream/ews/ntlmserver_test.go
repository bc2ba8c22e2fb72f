package ews

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"
)

// The user of MS-NLMP 4.2: NTOWFv2 is in there, so that no MD4 is needed to check
// what a client sends.
const (
	testUser     = `Domain\User`
	testPassword = "Password"
	ntowf2       = "0c868a403bfd7a93a3001ef22ef02e3f"
)

// An ntlmServer lets in testUser, connection by connection, and answers EWS calls.
type ntlmServer struct {
	*httptest.Server
	offers []string // WWW-Authenticate of a 401
	closes bool     // the connection after each 401
	answer http.HandlerFunc

	mu         sync.Mutex
	handshakes int // that succeeded
	refused    int // wrong passwords
	broken     int // answers to challenges that nobody had
	bodies     int // requests for a challenge that had one
	served     int
	forget     bool   // whom the next connection is of
	answered   []byte // the last AUTHENTICATE_MESSAGE
}

// A served connection.
type ntlmConn struct {
	challenge []byte // outstanding
	user      bool   // it is testUser's
}

type ntlmConnKey struct{}

func newNTLMServer(t *testing.T) *ntlmServer { return newNTLMServerOver(t, false) }

func newNTLMServerOver(t *testing.T, tls bool) *ntlmServer {
	s := &ntlmServer{offers: []string{"Negotiate", "NTLM"}, answer: answerCalls}
	s.Server = httptest.NewUnstartedServer(s)
	s.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, ntlmConnKey{}, new(ntlmConn))
	}
	if tls {
		s.EnableHTTP2 = true
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

func (s *ntlmServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.admit(w, r) {
		s.answer(w, r)
	}
}

func (s *ntlmServer) admit(w http.ResponseWriter, r *http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	conn := r.Context().Value(ntlmConnKey{}).(*ntlmConn)
	if s.forget {
		conn.user, s.forget = false, false
	}
	scheme, encoded, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	message, _ := base64.StdEncoding.DecodeString(encoded)
	offered := strings.Contains(strings.Join(s.offers, " "), scheme)
	switch {
	case len(message) < 12 || !offered:
		if conn.user {
			s.served++
			return true
		}
	case message[8] == 1:
		conn.user, conn.challenge = false, []byte{1, 2, 3, 4, 5, 6, 7, 8}
		if r.ContentLength != 0 {
			s.bodies++
		}
		w.Header().Set("WWW-Authenticate", scheme+" "+base64.StdEncoding.EncodeToString(challengeMessage(conn.challenge)))
	case conn.challenge == nil:
		s.broken++
	default:
		s.answered = message
		conn.user = rightAnswer(message, conn.challenge)
		conn.challenge = nil
		if conn.user {
			s.handshakes++
			s.served++
			return true
		}
		s.refused++
	}
	if w.Header().Get("WWW-Authenticate") == "" {
		w.Header()["Www-Authenticate"] = s.offers
	}
	if s.closes {
		w.Header().Set("Connection", "close")
	}
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = io.WriteString(w, strings.Repeat("401 ", 500)) // IIS has a page for it
	return false
}

// challengeMessage is a CHALLENGE_MESSAGE: Unicode, NTLM, target info.
func challengeMessage(challenge []byte) []byte {
	info := append([]byte{2, 0, 12, 0}, utf16le("Domain")...)
	info = append(info, 0, 0, 0, 0)
	var b bytes.Buffer
	b.WriteString("NTLMSSP\x00")
	for _, v := range []any{uint32(2), uint64(0), uint32(0x00880201), challenge, uint64(0), uint16(len(info)), uint16(len(info)), uint32(48), info} {
		_ = binary.Write(&b, binary.LittleEndian, v)
	}
	return b.Bytes()
}

// rightAnswer checks the NTLMv2 response of an AUTHENTICATE_MESSAGE.
func rightAnswer(message, challenge []byte) bool {
	field := func(at int) []byte {
		if len(message) < at+8 {
			return nil
		}
		length, offset := int(binary.LittleEndian.Uint16(message[at:])), int(binary.LittleEndian.Uint32(message[at+4:]))
		if offset+length > len(message) {
			return nil
		}
		return message[offset : offset+length]
	}
	response := field(20)
	if len(response) < 16 || !bytes.Equal(field(28), utf16le("Domain")) || !bytes.Equal(field(36), utf16le("User")) {
		return false
	}
	key, _ := hex.DecodeString(ntowf2)
	mac := hmac.New(md5.New, key)
	mac.Write(challenge)
	mac.Write(response[16:])
	return hmac.Equal(mac.Sum(nil), response[:16])
}

func utf16le(s string) []byte {
	var b []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return b
}

// answerCalls answers each call with success.
func answerCalls(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	for _, op := range []string{"Unsubscribe", "Subscribe"} {
		if bytes.Contains(body, []byte("<m:"+op+">")) {
			w.Header().Set("Content-Type", "text/xml; charset=utf-8")
			fmt.Fprintf(w, `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><m:%[1]sResponse xmlns:m="m"><m:ResponseMessages>`+
				`<m:%[1]sResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:SubscriptionId>s1</m:SubscriptionId></m:%[1]sResponseMessage>`+
				`</m:ResponseMessages></m:%[1]sResponse></s:Body></s:Envelope>`, op)
			return
		}
	}
	w.WriteHeader(http.StatusBadRequest)
}

func (s *ntlmServer) counts() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("%d handshakes, %d refused, %d broken, %d with a body, %d served", s.handshakes, s.refused, s.broken, s.bodies, s.served)
}

func (s *ntlmServer) expect(t *testing.T, want string) {
	t.Helper()
	if got := s.counts(); got != want {
		t.Errorf("the server counts %s; want %s", got, want)
	}
}

// fixed is a password function.
func fixed(password string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return password, nil }
}

// newSession returns a Session at url, whose connections stay until the test ends.
func newSession(t *testing.T, a Authenticator, url string) *Session {
	t.Helper()
	c, err := New(a, &Options{URL: url + "/EWS/Exchange.asmx"})
	if err != nil {
		t.Fatal(err)
	}
	s := c.Session("")
	lease := s.pool.Acquire()
	t.Cleanup(lease.Release)
	return s
}

func subscribe(t *testing.T, s *Session) error {
	t.Helper()
	_, err := s.Subscribe(t.Context(), Mailbox{Folders: Distinguished("inbox")})
	return err
}
