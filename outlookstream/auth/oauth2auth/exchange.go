package oauth2auth

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

const maxAnswer = 1 << 20

var errLarge = errors.New("the answer is larger than 1 MiB")

// exchange is the transport of one renewal. x/oauth2 uses it from one goroutine.
//
// If the configuration does not say how a client shows its id, x/oauth2 finds out by trying: after any failure it sends the
// request again, the other way. With a refresh token that works once that is dangerous, because the server may have used it
// before the failure; then the second use ends the sign-in. So the second request goes out only if the answer to the first
// was about the client.
type exchange struct {
	base http.RoundTripper
	add  url.Values // parameters to add

	// The last answer, once there is one.
	asked bool
	resp  *http.Response // without its body
	body  []byte
	err   error
}

// RoundTrip implements http.RoundTripper.
func (e *exchange) RoundTrip(req *http.Request) (*http.Response, error) {
	if e.asked && !e.aboutClient() {
		req.Body.Close()
	} else {
		e.asked = true
		e.resp, e.body, e.err = e.send(req)
	}
	if e.err != nil {
		return nil, e.err
	}
	resp := *e.resp
	resp.Request = req
	resp.Body = io.NopCloser(bytes.NewReader(e.body))
	return &resp, nil
}

// send sends the request with the additional parameters, and reads the answer.
func (e *exchange) send(req *http.Request) (*http.Response, []byte, error) {
	form, err := io.ReadAll(req.Body)
	req.Body.Close()
	if err != nil {
		return nil, nil, err
	}
	values, err := url.ParseQuery(string(form))
	if err != nil {
		return nil, nil, err
	}
	maps.Copy(values, e.add)
	full := values.Encode()
	out := req.Clone(req.Context())
	out.ContentLength = int64(len(full))
	// GetBody, too: net/http takes it when it has to send the request again on another connection.
	out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(full)), nil }
	out.Body, _ = out.GetBody()
	resp, err := e.base.RoundTrip(out)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = errLarge // x/oauth2 would cut it off and take what is left
	}
	return resp, body, err
}

// aboutClient says whether the last answer can mean that the server did not see who asks, and so used nothing.
func (e *exchange) aboutClient() bool {
	if e.err != nil {
		return false
	}
	switch e.resp.StatusCode {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
	default:
		return false
	}
	switch answerOf(e.resp, e.body).Code {
	case "", "invalid_client", "invalid_request", "unauthorized_client":
		return true
	}
	return false
}
