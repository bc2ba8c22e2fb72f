package exchange

import (
	"net/http"
	"strconv"
	"strings"
)

const xmlContent = "text/xml; charset=utf-8"

const xmlDeclaration = `<?xml version="1.0" encoding="utf-8"?>`

// message is one response message of an answer: what became of one of the things that were asked for.
type message struct {
	failure *failure // nil: it went well
	content string   // what follows the ResponseCode, as XML with the prefixes m and t
}

// respond writes the answer of an ordinary operation: a message for each of the things asked for, in their order.
// operation is the request's local name.
func (c *call) respond(operation string, all ...message) {
	var b strings.Builder
	b.WriteString("<m:" + operation + `Response xmlns:m="` + nsMessages + `" xmlns:t="` + nsTypes + `"><m:ResponseMessages>`)
	for _, m := range all {
		b.WriteString("<m:" + operation + "ResponseMessage" + m.class() + ">")
		b.WriteString(m.head("m:"))
		b.WriteString(m.content)
		b.WriteString("</m:" + operation + "ResponseMessage>")
	}
	b.WriteString("</m:ResponseMessages></m:" + operation + "Response>")
	c.respondBody(b.String())
}

// respondBody writes an answer whose body is not of the usual form.
func (c *call) respondBody(body string) {
	c.write(http.StatusOK, xmlDeclaration+`<s:Envelope xmlns:s="`+nsSoap+`"><s:Header><h:ServerVersionInfo `+
		c.server.is().attributes()+` xmlns:h="`+nsTypes+`" xmlns="`+nsTypes+`"/></s:Header><s:Body>`+
		body+`</s:Body></s:Envelope>`)
}

func (c *call) write(status int, document string) {
	h := c.w.Header()
	h.Set("Content-Type", xmlContent)
	h.Set("Content-Length", strconv.Itoa(len(document)))
	c.noteStatus(status)
	c.w.WriteHeader(status)
	_, _ = c.w.Write([]byte(document)) // a client that has gone gets no answer
}

func (m message) class() string {
	if m.failure != nil {
		return ` ResponseClass="Error"`
	}
	return ` ResponseClass="Success"`
}

// head is what every message begins with, in the order that .NET's reader insists on: MessageText, ResponseCode,
// DescriptiveLinkKey, MessageXml. In a response message MessageXml is in the namespace of messages.
func (m message) head(prefix string) string {
	f := m.failure
	if f == nil {
		return tag(prefix+"ResponseCode", codeNoError)
	}
	text := within(prefix+"MessageText", escape(f.text)) + tag(prefix+"ResponseCode", f.code) + tag(prefix+"DescriptiveLinkKey", "0")
	if len(f.values) > 0 {
		text += within(prefix+"MessageXml", messageValues(f.values))
	}
	return text
}

// messageValues needs the prefix t to be declared.
func messageValues(values []value) string {
	var b strings.Builder
	for _, v := range values {
		if v.named {
			b.WriteString(`<t:Value Name="` + escape(v.name) + `">` + escape(v.text) + `</t:Value>`)
		} else {
			b.WriteString(within("t:"+v.name, escape(v.text)))
		}
	}
	return b.String()
}

// refuse answers the whole request with a failure, in the form that it has. For the failures of operations, which have
// one message for each thing asked for, there is respond.
func (c *call) refuse(f *failure) {
	for name, values := range f.header {
		c.w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	switch {
	case f.status != 0:
		c.w.Header().Set("Content-Length", "0")
		c.noteStatus(f.status)
		c.w.WriteHeader(f.status)
	case f.fault || c.operation == "":
		c.write(http.StatusInternalServerError, soapFault(f))
	default:
		c.respond(c.operation, message{failure: f})
	}
}

// soapFault is a fault as the service writes it: without a header, and with MessageXml in the namespace of types.
func soapFault(f *failure) string {
	detail := `<e:ResponseCode xmlns:e="` + nsErrors + `">` + escape(f.code) + `</e:ResponseCode>` +
		`<e:Message xmlns:e="` + nsErrors + `">` + escape(f.text) + `</e:Message>`
	if len(f.values) > 0 {
		detail += `<t:MessageXml xmlns:t="` + nsTypes + `">` + messageValues(f.values) + `</t:MessageXml>`
	}
	return `<s:Envelope xmlns:s="` + nsSoap + `"><s:Body><s:Fault><faultcode xmlns:a="` + nsTypes + `">a:` + escape(f.code) +
		`</faultcode><faultstring xml:lang="en-US">` + escape(f.text) + `</faultstring><detail>` + detail +
		`</detail></s:Fault></s:Body></s:Envelope>`
}
