package exchange

import (
	"slices"
	"strconv"
)

// requestVersions are the values of RequestServerVersion, oldest first.
var requestVersions = []string{
	"Exchange2007", "Exchange2007_SP1", "Exchange2009", "Exchange2010", "Exchange2010_SP1", "Exchange2010_SP2", "Exchange2012",
	"Exchange2013", "Exchange2013_SP1", "Exchange2015", "Exchange2016", "V2015_10_05", "V2016_01_06", "V2016_04_13", "V2016_07_13",
	"V2016_10_10", "V2017_01_07", "V2017_04_14", "V2017_07_11",
}

// older reports whether a version is before another; both are in requestVersions.
func older(version, than string) bool {
	return slices.Index(requestVersions, version) < slices.Index(requestVersions, than)
}

// readEnvelope takes the request out of its envelope.
func (c *call) readEnvelope() *failure {
	root, err := parse(c.body)
	switch {
	case err != nil:
		return faultf(codeSchemaValidation, "The request failed schema validation: %v", err)
	case root.name.Local != "Envelope" || root.name.Space != nsSoap:
		return faultf(codeInvalidRequest, "The request is invalid: its root is %s and not a SOAP 1.1 envelope.", quoted(root))
	}
	body := root.child(nsSoap, "Body")
	if body == nil || len(body.children) != 1 {
		return faultf(codeInvalidRequest, "The request is invalid: the SOAP body must have exactly one element.")
	}
	c.request = body.children[0]
	c.operation = c.request.name.Local
	return c.readHeader(root.child(nsSoap, "Header"))
}

func (c *call) readHeader(header *node) *failure {
	c.version = requestVersions[0] // of a request that says nothing
	if n := header.child(nsTypes, "RequestServerVersion"); n != nil {
		c.version, _ = n.attr("Version")
		if !slices.Contains(requestVersions, c.version) {
			// Not a matter of the schema: clients that know later versions, or make some up, step down on this code.
			return faulted(codeInvalidServerVersion)
		}
	}
	if older(c.server.is().Schema, c.version) {
		return faulted(codeInvalidServerVersion)
	}
	n := header.child(nsTypes, "ExchangeImpersonation")
	if n == nil {
		return nil
	}
	sid := n.child(nsTypes, "ConnectingSID")
	if sid == nil || len(sid.children) != 1 || sid.children[0].value() == "" {
		return faultf(codeSchemaValidation, "The request failed schema validation: ExchangeImpersonation needs a ConnectingSID "+
			"with exactly one name.")
	}
	switch name := sid.children[0].name.Local; name {
	case "PrincipalName", "PrimarySmtpAddress", "SmtpAddress":
		c.impersonated = sid.children[0].value()
	case "SID":
		return faultf(codeInvalidRequest, "The fake server knows no security identifiers: impersonate by an address.")
	default:
		return faultf(codeSchemaValidation, "The request failed schema validation: The element 'ConnectingSID' has invalid child "+
			"element '%s'.", name)
	}
	return nil
}

// checkSchema is for the operations that have a table.
func (c *call) checkSchema(e *element) *failure {
	if c.request.name.Space != e.space {
		return faultf(codeInvalidRequest, "The request is invalid: there is no operation %s.", quoted(c.request))
	}
	v := e.check(c.request)
	if v == nil {
		return nil
	}
	f := faultf(codeSchemaValidation, "The request failed schema validation: %s", v.what)
	f.values = []value{
		{name: "LineNumber", text: strconv.Itoa(v.line)},
		{name: "LinePosition", text: strconv.Itoa(v.column)},
		{name: "Violation", text: v.what},
	}
	return f
}
