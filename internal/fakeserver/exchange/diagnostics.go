package exchange

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
)

const frontEnd = "AM0PR01CA0001"

// greet puts on every answer what the front end does, whoever asks and for what: support people ask for it.
func (c *call) greet() {
	h := c.w.Header()
	h.Set("request-id", newGUID().String())
	if strings.EqualFold(c.r.Header.Get("return-client-request-id"), "true") {
		if id := c.r.Header.Get("client-request-id"); id != "" {
			h.Set("client-request-id", id)
		}
	}
	h.Set("X-FEServer", frontEnd)
	h.Set("Cache-Control", "private")
}

// nameBackEnd puts on an answer which back-end it is from.
func (c *call) nameBackEnd() {
	h := c.w.Header()
	server, _, _ := strings.Cut(strings.ToUpper(c.backEnd), ".")
	h.Set("X-BEServer", server)
	h.Set("X-TargetBEServer", c.backEnd)
	h.Set("X-CalculatedBETarget", c.backEnd)
	h.Set("X-DiagInfo", server)
}

// noteStatus puts on an answer with which status the back-end answered the front end; nothing, if it was not asked.
func (c *call) noteStatus(status int) {
	if c.backEnd != "" {
		c.w.Header().Set("X-BackEndHttpStatus", strconv.Itoa(status))
	}
}

// guid is in the order of its text, not in .NET's.
type guid [16]byte

// newGUID is random (version 4).
func newGUID() guid {
	var g guid
	rand.Read(g[:]) // never fails
	g[6] = g[6]&0x0f | 0x40
	g[8] = g[8]&0x3f | 0x80
	return g
}

func (g guid) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", g[0:4], g[4:6], g[6:8], g[8:10], g[10:])
}
