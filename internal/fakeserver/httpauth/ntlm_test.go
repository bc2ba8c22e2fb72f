package httpauth

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/go-ntlmssp"
)

func TestMD4IsThatOfItsRFC(t *testing.T) {
	for message, want := range map[string]string{
		"":                           "31d6cfe0d16ae931b73c59d7e0c089c0",
		"a":                          "bde52cb31de33e46245e05fbdbd6fb24",
		"abc":                        "a448017aaf21d8525fc10ae87aa6729d",
		"message digest":             "d9130a8164549fe818874806e1c7014b",
		"abcdefghijklmnopqrstuvwxyz": "d79e1c308aa5bbcdeea8ed63df412da9",
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789": "043f8582f241db351ce627e153e7f0e4",
		strings.Repeat("1234567890", 8):                                  "e33b4ddc9c38f2199c3e7b164fcc0536",
	} {
		if sum := md4([]byte(message)); hex.EncodeToString(sum[:]) != want {
			t.Errorf("md4(%q) = %x, want %s", message, sum, want)
		}
	}
}

// The example of MS-NLMP, section 4.2.4.1.1.
func TestTheKeyOfNTLMv2IsThatOfItsSpecification(t *testing.T) {
	if key := hex.EncodeToString(ntowfV2(ntHash("Password"), "User", "Domain")); key != "0c868a403bfd7a93a3001ef22ef02e3f" {
		t.Errorf("the key is %s", key)
	}
}

func TestARealNTLMClientIsLetIn(t *testing.T) {
	for _, schemes := range [][]Scheme{{NTLM}, {Negotiate}, {NTLM, Negotiate, Basic}} { // the client prefers NTLM to Negotiate
		for _, name := range []string{svc, `CONTOSO\svc`, "svc", `contoso.test\svc`} {
			s := newSite(t, Options{Schemes: schemes})
			c := s.client()
			c.Transport = ntlmssp.Negotiator{RoundTripper: c.Transport}
			for range 3 { // the first shakes hands, the others find the connection authenticated
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.http.URL, strings.NewReader("a body"))
				if err != nil {
					t.Fatal(err)
				}
				r.SetBasicAuth(name, password)
				s.wantUser(s.do(c, r), string(schemes[0])+" "+svc)
			}
			if n := s.auth.Handshakes(); n != 1 {
				t.Errorf("%v %s: %d handshakes for 3 requests on one connection", schemes, name, n)
			}
		}
	}
}

func TestARealNTLMClientWithAWrongPasswordIsRefused(t *testing.T) {
	s := newSite(t, Options{Schemes: []Scheme{NTLM}})
	c := s.client()
	c.Transport = ntlmssp.Negotiator{RoundTripper: c.Transport}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.http.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(svc, "wrong")
	s.wantRefused(s.do(c, r), "NTLM")
	if a := s.auth.Accounts()[0]; a.Attempts != 1 || a.Wrong != 1 || s.auth.Handshakes() != 0 {
		t.Errorf("%+v, %d handshakes", a, s.auth.Handshakes())
	}
}

func TestNTLMAuthenticatesOneConnection(t *testing.T) {
	s := newSite(t, Options{Schemes: []Scheme{NTLM}})
	one, other := s.client(), s.client()
	first, challenge := s.challenged(one, NTLM)
	second := shake{user: "svc", domain: "CONTOSO", password: password}.second(first, challenge)
	s.wantRefused(s.ask(other, encoded(NTLM, second)), "NTLM") // the challenge was another connection's
	a := s.ask(one, encoded(NTLM, second))
	s.wantUser(a, "NTLM "+svc)
	if a.Header.Get("Persistent-Auth") != "true" {
		t.Error("the server does not say that the connection stays authenticated")
	}
	s.wantUser(s.ask(one, ""), "NTLM "+svc)
	s.wantRefused(s.ask(other, ""), "NTLM")
	s.wantRefused(s.ask(one, encoded(NTLM, second)), "NTLM") // a challenge is good once
	s.wantRefused(s.ask(one, ""), "NTLM")                    // and what failed undoes what was achieved
}

func TestTheHandshakeStaysOnOneConnection(t *testing.T) {
	s := newSite(t, Options{Schemes: []Scheme{NTLM}})
	c := s.client()
	var reused []bool
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { reused = append(reused, info.Reused) }}
	for _, authorization := range []string{"", encoded(NTLM, negotiateMessage(usualFlags)), ""} {
		r, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), http.MethodPost, s.http.URL, strings.NewReader("a body"))
		if err != nil {
			t.Fatal(err)
		}
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		s.wantRefused(s.do(c, r))
	}
	if !slices.Equal(reused, []bool{false, true, true}) {
		t.Errorf("connections reused: %v; a 401 must leave its connection open", reused)
	}
}

func TestNTLMIsChecked(t *testing.T) {
	good := shake{user: "svc", domain: "CONTOSO", password: password}
	with := func(change func(*shake)) shake {
		k := good
		change(&k)
		return k
	}
	for name, test := range map[string]struct {
		shake shake
		ok    bool
	}{
		"right":              {good, true},
		"in other case":      {with(func(k *shake) { k.user, k.domain = "SVC", "contoso" }), true},
		"by address":         {with(func(k *shake) { k.user, k.domain = svc, "" }), true},
		"names in bytes":     {with(func(k *shake) { k.oem = true }), true},
		"protected":          {with(func(k *shake) { k.protect = true }), true},
		"protection spoilt":  {with(func(k *shake) { k.protect, k.spoilMIC = true, true }), false},
		"version 1":          {with(func(k *shake) { k.version1 = true }), false},
		"wrong password":     {with(func(k *shake) { k.password = "Correct horse" }), false},
		"unknown user":       {with(func(k *shake) { k.user = "nobody" }), false},
		"no user (a guest)":  {with(func(k *shake) { k.user, k.domain = "", "" }), false},
		"password not asked": {with(func(k *shake) { k.password = "" }), false},
	} {
		s := newSite(t, Options{Schemes: []Scheme{NTLM}})
		c := s.client()
		first, challenge := s.challenged(c, NTLM)
		if a := s.ask(c, encoded(NTLM, test.shake.second(first, challenge))); (a.StatusCode == http.StatusOK) != test.ok {
			t.Errorf("%s: status %d", name, a.StatusCode)
		}
	}
}

// As ntlm-auth, which is under exchangelib: names in bytes, NTLM itself not named, extended sessions.
func TestAClientThatKnowsNoUnicodeIsChallengedInBytes(t *testing.T) {
	challenge := formatChallenge(negotiateMessage(0xe2889032), [8]byte{1}, "CONTOSO", time.Now())
	if challenge == nil {
		t.Fatal("it is refused")
	}
	if flags := binary.LittleEndian.Uint32(challenge[20:]); flags&flagOEM == 0 || flags&flagUnicode != 0 || flags&flagNTLM == 0 {
		t.Errorf("flags %#x", flags)
	}
	if name, ok := field(challenge, 12); !ok || string(name) != "CONTOSO" {
		t.Errorf("the domain is %q", name)
	}
}

func TestWhatIsNoNTLMIsRefused(t *testing.T) {
	s := newSite(t, Options{Schemes: []Scheme{Negotiate, NTLM}})
	c := s.client()
	for _, authorization := range []string{
		"NTLM", "NTLM ?", "NTLM " + base64.StdEncoding.EncodeToString([]byte("short")),
		encoded(NTLM, negotiateMessage(flagNTLM)),                     // no characters
		encoded(NTLM, []byte(ntlmSignature+"\x02\x00\x00\x00")),       // ours
		encoded(NTLM, []byte(ntlmSignature+"\x03\x00\x00\x00")),       // before the first
		encoded(Negotiate, []byte{0x60, 0x82, 1, 2, 3, 4}),            // SPNEGO with Kerberos
		encoded(NTLM, append(negotiateMessage(usualFlags)[:12], 0xb)), // cut off
		"Basic " + base64.StdEncoding.EncodeToString([]byte(svc+":"+password)),
	} {
		s.wantRefused(s.ask(c, authorization), "Negotiate", "NTLM")
	}
}

func TestASchemeIsKeptToTheEnd(t *testing.T) {
	s := newSite(t, Options{Schemes: []Scheme{Negotiate, NTLM}})
	c := s.client()
	first, challenge := s.challenged(c, Negotiate)
	second := shake{user: "svc", domain: "CONTOSO", password: password}.second(first, challenge)
	s.wantRefused(s.ask(c, encoded(NTLM, second)))
	first, challenge = s.challenged(c, Negotiate)
	second = shake{user: "svc", domain: "CONTOSO", password: password}.second(first, challenge)
	s.wantUser(s.ask(c, encoded(Negotiate, second)), "Negotiate "+svc)
}

func TestThereIsNoNTLMWithoutConnContextOrOverHTTP2(t *testing.T) {
	s := newSite(t, Options{})
	for _, major := range []int{1, 2} {
		r, err := http.NewRequest(http.MethodPost, "https://mail.contoso.test/EWS/Exchange.asmx", nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.ProtoMajor = major; major == 2 {
			r = r.WithContext(ConnContext(t.Context(), nil))
		}
		if got := s.auth.offered(r); !slices.Equal(got, []Scheme{Basic}) {
			t.Errorf("HTTP/%d: offered %v", major, got)
		}
	}
}

func FuzzNTLM(f *testing.F) {
	first := negotiateMessage(usualFlags)
	challenge := formatChallenge(first, [8]byte{1}, "CONTOSO", testTime)
	f.Add(first)
	f.Add(challenge)
	f.Add(shake{user: "svc", domain: "CONTOSO", password: "wrong", protect: true}.second(first, challenge))
	s := New(Options{Accounts: []Account{{User: svc, Password: password}}})
	f.Fuzz(func(t *testing.T, message []byte) {
		formatChallenge(message, [8]byte{}, "CONTOSO", testTime)
		h := &handshake{scheme: NTLM, negotiate: first, challenge: challenge, nonce: [8]byte{1}}
		if user, ok := s.checkNTLM(h, message); ok {
			t.Errorf("%x was made without the password, and lets %s in", message, user)
		}
	})
}
