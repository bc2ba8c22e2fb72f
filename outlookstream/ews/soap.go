package ews

import (
	"bytes"
	"encoding/xml"
)

// Requests are written with the prefixes of the documentation, m for messages
// and t for types: encoding/xml takes them as they are in a name.

type requestEnvelope struct {
	XMLName xml.Name      `xml:"soap:Envelope"`
	Soap    string        `xml:"xmlns:soap,attr"`
	M       string        `xml:"xmlns:m,attr"`
	T       string        `xml:"xmlns:t,attr"`
	Header  requestHeader `xml:"soap:Header"`
	Body    requestBody   `xml:"soap:Body"`
}

type requestHeader struct {
	Version       requestVersion `xml:"t:RequestServerVersion"`
	Impersonation *impersonation `xml:"t:ExchangeImpersonation"`
}

type requestVersion struct {
	Version string `xml:"Version,attr"`
}

type impersonation struct {
	Address string `xml:"t:ConnectingSID>t:PrimarySmtpAddress"`
}

// requestBody has the operation, whose XMLName is that of the request.
type requestBody struct {
	Operation any
}

func encodeEnvelope(version, impersonated string, operation any) ([]byte, error) {
	e := requestEnvelope{
		Soap:   "http://schemas.xmlsoap.org/soap/envelope/",
		M:      "http://schemas.microsoft.com/exchange/services/2006/messages",
		T:      "http://schemas.microsoft.com/exchange/services/2006/types",
		Header: requestHeader{Version: requestVersion{version}},
		Body:   requestBody{operation},
	}
	if impersonated != "" {
		e.Header.Impersonation = &impersonation{impersonated}
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	if err := xml.NewEncoder(&b).Encode(e); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// A responseMessage is what every operation answers for each thing asked for.
// Names are without namespaces: servers differ in theirs.
type responseMessage struct {
	ResponseClass string           `xml:"ResponseClass,attr"` // Success, Warning, Error
	MessageText   string           `xml:"MessageText"`
	ResponseCode  string           `xml:"ResponseCode"`
	Values        []detail         `xml:"MessageXml>Value"`
	Subscriptions []subscriptionID `xml:"ErrorSubscriptionIds>SubscriptionId"`
}

// A detail is one value that goes with an error.
type detail struct {
	Name string `xml:"Name,attr"`
	Text string `xml:",chardata"`
}

type subscriptionID struct {
	ID string `xml:",chardata"`
}

// A fault is an error in the place of an answer.
type fault struct {
	FaultCode    string   `xml:"faultcode"`
	FaultString  string   `xml:"faultstring"`
	ResponseCode string   `xml:"detail>ResponseCode"`
	Message      string   `xml:"detail>Message"`
	Values       []detail `xml:"detail>MessageXml>Value"`
	// SOAP 1.2's names for the same.
	Code   string `xml:"Code>Value"`
	Reason string `xml:"Reason>Text"`
	Detail struct {
		ResponseCode string   `xml:"ResponseCode"`
		Message      string   `xml:"Message"`
		Values       []detail `xml:"MessageXml>Value"`
	} `xml:"Detail"`
}

// A faultEnvelope is an envelope of which only an error is of interest.
type faultEnvelope struct {
	Fault *fault `xml:"Body>Fault"`
}
