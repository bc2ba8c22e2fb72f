package exchange

import "strings"

// Values of ConnectionStatus.
const (
	statusOK     = "OK"
	statusClosed = "Closed"
)

// form is how the envelopes of a stream are written. The zero form, but for the version, is the service's: without an XML
// declaration, the envelope without a prefix and its parts with one, which clients that look for "</Envelope>" count on.
type form struct {
	version     ServerVersion
	declaration bool
	bom         bool
	pretty      bool
	prefixed    bool
	combined    bool
	typesIDs    bool
}

// status says how the connection is, and nothing else.
func (f form) status(status string) []byte {
	return f.envelope(message{content: tag("m:ConnectionStatus", status)})
}

// failed tells an error. Its child order, and that of everything here, is the schema's.
func (f form) failed(what *failure, status string) []byte {
	var b strings.Builder
	if len(what.ids) > 0 {
		// The schema has them in the namespace of types; on the wire it is that of messages, as .NET reads them.
		name := "m:SubscriptionId"
		if f.typesIDs {
			name = "t:SubscriptionId"
		}
		b.WriteString("<m:ErrorSubscriptionIds>")
		for _, id := range what.ids {
			b.WriteString(tag(name, id))
		}
		b.WriteString("</m:ErrorSubscriptionIds>")
	}
	b.WriteString(tag("m:ConnectionStatus", status))
	return f.envelope(message{failure: what, content: b.String()})
}

// notifications tells events, of each subscription in a Notification; one without events gets a StatusEvent. They never
// go together with a ConnectionStatus, as .NET reads one or the other, and then demands the end.
func (f form) notifications(batches []batch, pad int) []byte {
	var b strings.Builder
	b.WriteString("<m:Notifications>")
	for _, one := range batches {
		b.WriteString("<m:Notification>")
		b.WriteString(tag("t:SubscriptionId", one.id))
		for _, e := range one.events {
			e.write(&b, false)
		}
		if len(one.events) == 0 {
			b.WriteString("<t:StatusEvent/>")
		}
		b.WriteString(strings.Repeat(" ", pad))
		pad = 0
		b.WriteString("</m:Notification>")
	}
	b.WriteString("</m:Notifications>")
	if f.combined {
		b.WriteString(tag("m:ConnectionStatus", statusOK))
	}
	return f.envelope(message{content: b.String()})
}

// unknown tells an event that no schema has, about an item.
func (f form) unknown(id string) []byte {
	return f.envelope(message{content: within("m:Notifications", within("m:Notification", tag("t:SubscriptionId", id)+
		`<t:RecalledEvent><t:TimeStamp>2030-01-01T00:00:00Z</t:TimeStamp><t:ItemId Id="AAMkunknown" ChangeKey="AQAAAA=="/></t:RecalledEvent>`)) +
		`<m:Advice Level="1">none</m:Advice>`})
}

func (f form) envelope(m message) []byte {
	const operation = "m:GetStreamingEventsResponse"
	var b strings.Builder
	if f.bom {
		b.WriteString("\uFEFF")
	}
	if f.declaration {
		b.WriteString(xmlDeclaration)
	}
	body := "<" + operation + ` xmlns:m="` + nsMessages + `" xmlns:t="` + nsTypes + `"><m:ResponseMessages><` + operation + "Message" +
		m.class() + ">" + m.head("m:") + m.content + "</" + operation + "Message></m:ResponseMessages></" + operation + ">"
	info := `<ServerVersionInfo xmlns="` + nsTypes + `" ` + f.version.attributes() + `/>`
	at := b.Len()
	if f.prefixed {
		b.WriteString(`<SOAP:Envelope xmlns:SOAP="` + nsSoap + `">` + within("SOAP:Header", info) + within("SOAP:Body", body) + `</SOAP:Envelope>`)
	} else {
		declared := ` xmlns:soap11="` + nsSoap + `">`
		b.WriteString(`<Envelope xmlns="` + nsSoap + `"><soap11:Header` + declared + info + `</soap11:Header><soap11:Body` + declared + body +
			`</soap11:Body></Envelope>`)
	}
	if !f.pretty {
		return []byte(b.String())
	}
	text := b.String() // in texts and attributes ">" and "<" are escaped
	return []byte(text[:at] + strings.ReplaceAll(text[at:], "><", ">\r\n  <") + "\r\n\r\n")
}
