package exchange

import (
	"mime"
	"net/http"
)

// check is one of the things that a request has to get past. It answers the request itself, or says what is wrong.
type check func(c *call) (f *failure, answered bool)

// checks are in the order of the service, as far as it is known: IIS authenticates before anybody looks at the method
// or the body, so that a GET tells which schemes there are.
var checks = []check{
	(*call).authenticate, // authenticate.go
	(*call).admit,        // access.go
	(*call).checkMethod,
	(*call).checkRequest,
	(*call).checkAge,    // age.go
	(*call).impersonate, // impersonate.go
	(*call).route,       // route.go
	(*call).limit,       // limits.go
	(*call).strike,      // faults.go
}

func (c *call) checkMethod() (*failure, bool) {
	if c.r.Method != http.MethodPost {
		// The service has a page for people here.
		return httpFailure(http.StatusMethodNotAllowed, http.Header{"Allow": {http.MethodPost}}), false
	}
	return nil, false
}

// checkRequest reads the envelope and finds the operation. SOAPAction does not count: the service goes by the body.
func (c *call) checkRequest() (*failure, bool) {
	media, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || media != "text/xml" {
		return httpFailure(http.StatusUnsupportedMediaType, nil), false
	}
	if f := c.readEnvelope(); f != nil {
		return f, false
	}
	op, ok := operations[c.operation]
	if !ok || c.request.name.Space != nsMessages {
		return faultf(codeInvalidRequest, "The request is invalid: there is no operation %s.", quoted(c.request)), false
	}
	if op.schema != nil {
		return c.checkSchema(op.schema), false
	}
	return nil, false
}
