package httpauth

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// The accounts of these tests.
const (
	svc      = "svc@contoso.test"
	password = "correct horse"
)

// site is a server that says who asked.
type site struct {
	t    *testing.T
	auth *Server
	http *httptest.Server
}

func newSite(t *testing.T, opts Options) *site {
	t.Helper()
	if opts.Accounts == nil {
		opts.Accounts = []Account{{User: svc, Password: password}}
	}
	s := &site{t: t, auth: New(opts)}
	s.http = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Errorf("reading a request: %v", err)
		}
		if who, ok := s.auth.Authenticate(w, r); ok {
			io.WriteString(w, string(who.Scheme)+" "+who.User)
		}
	}))
	s.http.Config.ConnContext = ConnContext
	s.http.EnableHTTP2 = true
	s.http.Start()
	t.Cleanup(s.http.Close)
	return s
}

// client has connections of its own.
func (s *site) client() *http.Client {
	transport := &http.Transport{}
	s.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

type answer struct {
	*http.Response
	body string
}

// ask makes a request with an Authorization header, unless that is "".
func (s *site) ask(c *http.Client, authorization string) answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.http.URL, strings.NewReader("a body"))
	if err != nil {
		s.t.Fatal(err)
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	return s.do(c, r)
}

func (s *site) do(c *http.Client, r *http.Request) answer {
	s.t.Helper()
	resp, err := c.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{resp, string(body)}
}

// wantRefused checks that an answer is a refusal, with just these challenges if there are any.
func (s *site) wantRefused(a answer, challenges ...string) {
	s.t.Helper()
	if a.StatusCode != http.StatusUnauthorized || a.body != "" {
		s.t.Fatalf("status %d, %q; want 401 without a body", a.StatusCode, a.body)
	}
	if got := a.Header.Values("WWW-Authenticate"); len(challenges) > 0 && !slices.Equal(got, challenges) {
		s.t.Fatalf("challenges %q, want %q", got, challenges)
	}
}

func (s *site) wantUser(a answer, want string) {
	s.t.Helper()
	if a.StatusCode != http.StatusOK || a.body != want {
		s.t.Fatalf("status %d, %q, want %q", a.StatusCode, a.body, want)
	}
}

// negotiateMessage is a client's first, with the flags of today's clients.
func negotiateMessage(flags uint32) []byte {
	b := []byte(ntlmSignature)
	b = binary.LittleEndian.AppendUint32(b, typeNegotiate)
	b = binary.LittleEndian.AppendUint32(b, flags)
	return append(b, make([]byte, 16)...)
}

const usualFlags = flagUnicode | flagRequestTarget | flagNTLM | flagExtendedSession | flagTargetInfo | flag128 | flag56

// shake is a client that does the two legs by hand, so that a test can spoil them.
type shake struct {
	user, domain, password string
	protect                bool // with a MIC
	spoilMIC               bool
	version1               bool
	oem                    bool // names in bytes
}

// second makes the client's second message from what went before.
func (k shake) second(first, challenge []byte) []byte {
	nonce := challenge[24:32]
	info := challenge[binary.LittleEndian.Uint32(challenge[44:]):]
	key := ntowfV2(ntHash(k.password), k.user, k.domain)
	blob := append([]byte{1, 1, 0, 0, 0, 0, 0, 0}, make([]byte, 8)...) // time
	blob = append(blob, "nonce of"...)
	blob = append(blob, 0, 0, 0, 0)
	if k.protect {
		info = append([]byte{attrFlags, 0, 4, 0, attrFlagHasMIC, 0, 0, 0}, info...)
	}
	blob = append(append(blob, info...), 0, 0, 0, 0)
	proof := hmacMD5(key, nonce, blob)
	response := slices.Concat(proof, blob)
	if k.version1 {
		response = response[:ntlmV1Response]
	}
	flags, domain, user := uint32(usualFlags), utf16LE(k.domain), utf16LE(k.user)
	if k.oem {
		flags, domain, user = flags&^flagUnicode|flagOEM, []byte(k.domain), []byte(k.user)
	}
	at := offsetMIC + lengthMIC
	b := []byte(ntlmSignature)
	b = binary.LittleEndian.AppendUint32(b, typeAuthenticate)
	b = appendField(b, 0, at)
	b = appendField(b, len(response), at)
	b = appendField(b, len(domain), at+len(response))
	b = appendField(b, len(user), at+len(response)+len(domain))
	b = appendField(b, 0, at)
	b = appendField(b, 0, at)
	b = binary.LittleEndian.AppendUint32(b, flags)
	b = append(b, make([]byte, 8+lengthMIC)...)
	b = slices.Concat(b, response, domain, user)
	if k.protect {
		mic := hmacMD5(hmacMD5(key, proof), first, challenge, b)
		copy(b[offsetMIC:], mic)
	}
	if k.spoilMIC {
		b[offsetMIC] ^= 1
	}
	return b
}

func encoded(scheme Scheme, message []byte) string {
	return string(scheme) + " " + base64.StdEncoding.EncodeToString(message)
}

// challenged sends the first message and returns the server's.
func (s *site) challenged(c *http.Client, scheme Scheme) (first, challenge []byte) {
	s.t.Helper()
	first = negotiateMessage(usualFlags)
	a := s.ask(c, encoded(scheme, first))
	s.wantRefused(a)
	value, ok := strings.CutPrefix(a.Header.Get("WWW-Authenticate"), string(scheme)+" ")
	challenge, err := base64.StdEncoding.DecodeString(value)
	if !ok || err != nil || messageType(challenge) != typeChallenge || len(a.Header.Values("WWW-Authenticate")) != 1 {
		s.t.Fatalf("challenges %q", a.Header.Values("WWW-Authenticate"))
	}
	return first, bytes.Clone(challenge)
}
