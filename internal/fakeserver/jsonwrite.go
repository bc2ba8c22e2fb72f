package fakeserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
)

// jsonContent is the service's own content type, spelled as it spells it.
const jsonContent = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"

// marshal makes compact JSON that leaves <, > and & alone, as the service does.
func marshal(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("fakeserver: a %T cannot be encoded: %v", v, err)) // all such types are this package's own
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", jsonContent)
	}
	w.WriteHeader(status)
	w.Write(marshal(v))
}

// errorDocument is the form of every error of the service.
type errorDocument struct {
	Error errorMember `json:"error"`
}

type errorMember struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *apiError) write(w http.ResponseWriter) {
	for name, values := range e.header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	writeJSON(w, e.status, errorDocument{errorMember{e.code, e.message}})
}
