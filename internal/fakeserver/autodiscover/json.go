package autodiscover

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// maxRedirects is how often a client is sent on.
const maxRedirects = 10

// serveJSON serves version 2: nobody has to say who they are, and there is nothing but a URL to learn.
func (s *Server) serveJSON(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		jsonError(w, http.StatusMethodNotAllowed, "InvalidRequest", "The method must be GET.")
		return
	}
	address, protocol, count := jsonQuestion(r.URL)
	switch {
	case !strings.Contains(address, "@"):
		jsonError(w, http.StatusBadRequest, "InvalidUserId", "The given user id '"+address+"' is invalid.")
		return
	case protocol == "":
		jsonError(w, http.StatusBadRequest, "MandatoryParameterMissing", "A valid value must be provided for the query parameter 'Protocol'")
		return
	case !strings.EqualFold(protocol, "EWS") && !strings.EqualFold(protocol, "AutodiscoverV1"):
		jsonError(w, http.StatusBadRequest, "InvalidProtocol", "The given protocol value '"+protocol+"' is invalid. Supported values are 'AutodiscoverV1,Ews'")
		return
	}
	o := s.ask(r, JSON, address)
	switch o.code {
	case noError:
		answer := jsonAnswer{Protocol: protocol, URL: o.entry.ewsURL(r)}
		if strings.EqualFold(protocol, "AutodiscoverV1") {
			answer.URL = root(r) + "/autodiscover/autodiscover.xml"
		}
		writeJSON(w, http.StatusOK, answer)
	case redirectAddress, redirectURL:
		if count++; count > maxRedirects {
			jsonError(w, http.StatusBadRequest, "TooManyRedirects", "The client was sent on too often.")
			return
		}
		// A redirection to another address is one to the same service, which knows that address, too.
		target := root(r)
		if o.code == redirectURL {
			target = o.target
		} else {
			address = o.target
		}
		query := url.Values{"Email": {address}, "Protocol": {protocol}, "RedirectCount": {strconv.Itoa(count)}}
		w.Header().Set("Location", target+"/autodiscover/autodiscover.json?"+query.Encode())
		w.WriteHeader(http.StatusFound)
	case invalidUser:
		jsonError(w, http.StatusNotFound, "UserNotFound", "The given user is not found")
	default:
		jsonError(w, http.StatusServiceUnavailable, o.code, o.message)
	}
}

// jsonQuestion reads the two forms of the URL: the address in the path, or in the query.
func jsonQuestion(u *url.URL) (address, protocol string, count int) {
	for name, values := range u.Query() {
		switch strings.ToLower(name) {
		case "email":
			address = values[0]
		case "protocol":
			protocol = values[0]
		case "redirectcount":
			count, _ = strconv.Atoi(values[0])
		}
	}
	if last := u.Path[strings.LastIndexByte(u.Path, '/')+1:]; strings.Contains(last, "@") {
		address = last
	}
	return address, protocol, max(0, count)
}

type jsonAnswer struct {
	Protocol string `json:"Protocol"`
	URL      string `json:"Url"`
}

type jsonFailure struct {
	Code    string `json:"ErrorCode"`
	Message string `json:"ErrorMessage"`
}

func jsonError(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, jsonFailure{code, message})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) // who has gone needs no answer
}
