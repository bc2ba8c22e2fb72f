package httpauth

import (
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"time"
)

// handshake is what both sides have said so far: a client that protects the exchange signs all three messages.
type handshake struct {
	scheme    Scheme
	negotiate []byte
	challenge []byte
	nonce     [8]byte // within challenge
}

// Handshakes is how many NTLM handshakes there were that authenticated a connection.
func (s *Server) Handshakes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.handshake
}

// serveNTLM serves one leg of a handshake: the client's first message is answered with the server's challenge, its
// second with the answer to the request.
func (s *Server) serveNTLM(w http.ResponseWriter, r *http.Request, scheme Scheme, value string) (Identity, bool) {
	c := connOf(r)
	message, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		s.refuse(w, r, missing)
		return Identity{}, false
	}
	switch messageType(message) {
	case typeNegotiate:
		h := &handshake{scheme: scheme, negotiate: message}
		rand.Read(h.nonce[:]) // never fails
		if h.challenge = formatChallenge(message, h.nonce, s.opts.Domain, time.Now()); h.challenge == nil {
			break
		}
		c.begin(h)
		w.Header().Set("WWW-Authenticate", string(scheme)+" "+base64.StdEncoding.EncodeToString(h.challenge))
		unauthorized(w)
		return Identity{}, false
	case typeAuthenticate:
		h := c.take()
		if h == nil || h.scheme != scheme {
			break // nothing was asked on this connection
		}
		user, ok := s.checkNTLM(h, message)
		if !ok {
			break
		}
		who := Identity{User: user, Scheme: scheme}
		c.finish(who)
		s.mu.Lock()
		s.handshake++
		s.mu.Unlock()
		w.Header().Set("Persistent-Auth", "true")
		return who, true
	}
	c.begin(nil)
	s.refuse(w, r, missing)
	return Identity{}, false
}

// checkNTLM judges the client's second message. NTLMv2 is all that is taken.
func (s *Server) checkNTLM(h *handshake, message []byte) (user string, ok bool) {
	a, ok := parseAuthenticate(message)
	if !ok {
		return "", false
	}
	for _, name := range a.names() {
		s.mu.Lock()
		known := s.find(name) != nil
		s.mu.Unlock()
		if known {
			return s.check(name, func(x *account) bool { return a.right(ntHash(x.Password), h) })
		}
	}
	return "", false
}

// right says whether the message was made by somebody who knows the password.
func (a *authenticate) right(hash [16]byte, h *handshake) bool {
	key := ntowfV2(hash, a.user, a.domain)
	proof := hmacMD5(key, h.nonce[:], a.blob)
	if !hmac.Equal(proof, a.proof) {
		return false
	}
	if !a.protected {
		return true
	}
	session := hmacMD5(key, a.proof)
	return hmac.Equal(hmacMD5(session, h.negotiate, h.challenge, a.withoutMIC), a.mic)
}
