package fakeserver

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
)

// Names of servers, of the kind that the service puts in its answers.
const (
	frontEnd = "AM0PR01CA0001"
	backEnd  = "AM0PR01MB0042.fake.test"
)

// setDiagnostics puts on an answer what support people ask for.
func setDiagnostics(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("request-id", newGUID())
	if strings.EqualFold(r.Header.Get("return-client-request-id"), "true") {
		if id := r.Header.Get("client-request-id"); id != "" {
			h.Set("client-request-id", id)
		}
	}
	h.Set("X-FEServer", frontEnd)
	h.Set("X-BEServer", strings.TrimSuffix(backEnd, ".fake.test"))
	h.Set("X-TargetBEServer", backEnd)
	h.Set("X-CalculatedBETarget", backEnd)
	h.Set("X-DiagInfo", strings.TrimSuffix(backEnd, ".fake.test"))
	h.Set("Cache-Control", "private")
	h.Set("OData-Version", "4.0")
}

// newGUID is random (version 4), in lower case.
func newGUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
