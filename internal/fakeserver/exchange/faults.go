package exchange

import "slices"

// What a fault can do, beside what the host carries out by itself.
const (
	// On a request.
	DoSoapFault    = "soapFault"    // status 500: Code, Message; Delay is its BackOffMilliseconds
	DoErrorMessage = "errorMessage" // the same in a response message, with status 200

	// The form of a stream.
	DoXMLDeclaration = "xmlDeclaration" // one before every envelope, as gromox had it
	DoSoapPrefix     = "soapPrefix"     // envelopes are SOAP:Envelope, as gromox writes them
	DoOtherHeartbeat = "otherHeartbeat" // heartbeats of the form that the Options do not say
	DoCombined       = "combined"       // ConnectionStatus OK in the messages that have events, as gromox does
	DoTypesIDs       = "typesIds"       // ErrorSubscriptionIds has its ids in the namespace that the schema says

	// What happens to a subscription of a stream.
	DoMissed           = "missed"           // what waits in the first subscription is dropped, and ErrorMissedNotificationEvents says so
	DoDropSubscription = "dropSubscription" // the first subscription is deleted: Code, by default ErrorReadEventsFailed
)

// The names that it shares with the other half of the fake.
const (
	doBOM          = "bom"
	doByteByByte   = "byteByByte"
	doCoalesce     = "coalesce"
	doCut          = "cut"
	doCutAtByte    = "cutAtByte"
	doCutMid       = "cutMidElement"
	doDuplicate    = "duplicate"
	doEarlyEnd     = "earlyEnd"
	doHuge         = "hugeElement"
	doInStream     = "inStreamError"
	doNoFinalChunk = "noFinalChunk"
	doPretty       = "pretty"
	doReset        = "reset"
	doSlow         = "slow"
	doStall        = "stall"
	doUnclosed     = "unclosed"
	doUnknown      = "unknownElement"
)

// strike carries out a fault on the request.
func (c *call) strike() (*failure, bool) {
	f, answered := c.server.host.StrikeRequest(c.w, c.r, operations[c.operation].fault, c.about())
	if answered || f.Do == "" {
		return nil, answered
	}
	return c.server.failureOf(f, f.Do == DoSoapFault), false
}

// failureOf makes what a fault says.
func (s *Server) failureOf(f Fault, fault bool) *failure {
	code, text := f.Code, f.Message
	if code == "" {
		code = "ErrorInternalServerTransientError"
	}
	if text == "" {
		if text = messageTexts[code]; text == "" {
			text = "The operation failed."
		}
	}
	made := &failure{code: code, text: text, fault: fault}
	return made.backOff(f.Delay)
}

// endings are the faults that end a stream between two envelopes.
var endings = []string{doCut, doReset, doStall, doEarlyEnd, doUnclosed, doNoFinalChunk, doInStream}

// takes tells the faults that the service itself has to carry out on a request from the host's.
func Speaks(do string) bool { return slices.Contains([]string{DoSoapFault, DoErrorMessage}, do) }
