package fakeserver

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
)

// What a fault can be on.
const (
	onSubscribe     = "subscribe"
	onListen        = "listen"
	onStream        = "stream"
	onToken         = "token"
	onDeviceCode    = "devicecode"
	onConfiguration = "configuration"
	onAuthorize     = "authorize"
)

// everyOn is all of them.
var everyOn = []string{
	onSubscribe, onListen, onStream, onToken, onDeviceCode, onConfiguration, onAuthorize,
	exchange.OnSubscribe, exchange.OnListen, exchange.OnStream, exchange.OnCall,
}

// onAnyStream tells the faults that open streams take on from those that strike at a request.
func onAnyStream(on string) bool { return on == onStream || on == exchange.OnStream }

// What a fault can do.
const (
	doStatus        = "status"
	doStall         = "stall"
	doReset         = "reset"
	doRedirect      = "redirect"
	doSlow          = "slow"
	doHTML          = "html"
	doErrorDocument = "errorDocument"
	doOtherHost     = "otherHost"

	doCut          = "cut"
	doCutMid       = "cutMidElement"
	doCutAtByte    = "cutAtByte"
	doNoFinalChunk = "noFinalChunk"
	doUnclosed     = "unclosed"
	doEarlyEnd     = "earlyEnd"
	doInStream     = "inStreamError"
	doMissingValue = "missingValue"
	doDoubleBrace  = "doubleBrace"
	doBOM          = "bom"
	doPretty       = "pretty"
	doByteByByte   = "byteByByte"
	doCoalesce     = "coalesce"
	doOKUpperCase  = "okUpperCase"
	doUnknown      = "unknownElement"
	doSkipSequence = "skipSequence"
	doDuplicate    = "duplicate"
	doLose         = "lose"
	doHuge         = "hugeElement"
	doLoseBetween  = "loseBetween"
)

// faultClass says how a stream fault goes with others and when it strikes.
type faultClass int

const (
	notOnStream faultClass = iota
	ends                   // ends the stream; one at a time
	opens                  // shapes the document from its first byte: only a stream that is being opened takes it
	shapes                 // changes how elements are written from now on
	strikes                // happens to one element, or between two
)

// faultKind is a row of the table.
type faultKind struct {
	do    string
	on    []string
	class faultClass // of it on stream
}

// faultKinds is every fault there is.
var faultKinds = []faultKind{
	// Status (required), Code, Message, RetryAfter, Headers. Texts default to what the service says with that status.
	{doStatus, []string{onSubscribe, onListen, onToken, onDeviceCode, onConfiguration, onAuthorize, exchange.OnSubscribe, exchange.OnListen, exchange.OnCall}, notOnStream},
	// The request is taken and never answered. On stream: no byte comes any more, changes queue up, nothing is closed.
	{doStall, []string{onSubscribe, onListen, onStream, onToken, onDeviceCode, onConfiguration, onAuthorize, exchange.OnSubscribe, exchange.OnListen, exchange.OnStream, exchange.OnCall}, ends},
	// The connection dies as with RST, over HTTP/2 with every stream on it.
	{doReset, []string{onSubscribe, onListen, onStream, onToken, onDeviceCode, onConfiguration, onAuthorize, exchange.OnSubscribe, exchange.OnListen, exchange.OnStream, exchange.OnCall}, ends},
	// 307 (or Status) to Location.
	{doRedirect, []string{onSubscribe, onListen, onToken, onDeviceCode, onConfiguration, onAuthorize, exchange.OnSubscribe, exchange.OnListen, exchange.OnCall}, notOnStream},
	// Delay before the answer, which is then the ordinary one; on stream before each element.
	{doSlow, []string{onSubscribe, onListen, onStream, onToken, onDeviceCode, onConfiguration, onAuthorize, exchange.OnSubscribe, exchange.OnListen, exchange.OnStream, exchange.OnCall}, shapes},
	// A page of some gateway in between instead of JSON, with Status, 200 by default.
	{doHTML, []string{onSubscribe, onListen, onToken, onDeviceCode, onConfiguration, onAuthorize, exchange.OnSubscribe, exchange.OnListen, exchange.OnCall}, notOnStream},
	// Status 200 with an error in the body: Code, Message.
	{doErrorDocument, []string{onSubscribe, onListen, onToken, onDeviceCode, onConfiguration, onAuthorize}, notOnStream},
	// URLs in the answer, or in the stream's notifications, name the service's other host.
	{doOtherHost, []string{onSubscribe, onStream}, shapes},

	// The response dies between two elements: HTTP/1.1 without its last chunk, HTTP/2 with RST_STREAM.
	{doCut, []string{onStream, exchange.OnStream}, ends},
	// The same in the middle of the next element, a keep-alive or not.
	{doCutMid, []string{onStream, exchange.OnStream}, ends},
	// The same after exactly Bytes bytes of the body.
	{doCutAtByte, []string{onStream, exchange.OnStream}, opens},
	// The document is closed with "]}", and then the response dies as with cut.
	{doNoFinalChunk, []string{onStream, exchange.OnStream}, ends},
	// The response ends cleanly, but the document was not closed.
	{doUnclosed, []string{onStream, exchange.OnStream}, ends},
	// "]}" and a clean end, before the time that was asked for.
	{doEarlyEnd, []string{onStream, exchange.OnStream}, ends},
	// An error object as the last element (Code, Message); the document is not closed, the response ends cleanly.
	{doInStream, []string{onStream, exchange.OnStream}, ends},
	// The document has no "value" at all, and ends cleanly.
	{doMissingValue, []string{onStream}, opens},
	// The document begins "{ {", as the documentation prints it.
	{doDoubleBrace, []string{onStream}, opens},
	// The body begins with a UTF-8 byte order mark; over Exchange Web Services, every envelope.
	{doBOM, []string{onStream, exchange.OnStream}, opens},
	// White space between and inside elements.
	{doPretty, []string{onStream, exchange.OnStream}, shapes},
	// Every byte is written and flushed on its own; over Exchange Web Services, Bytes of them.
	{doByteByByte, []string{onStream, exchange.OnStream}, shapes},
	// Elements are held back and written several at a time; at the opening the preamble is held back with them.
	{doCoalesce, []string{onStream, exchange.OnStream}, shapes},
	// Keep-alives say "OK".
	{doOKUpperCase, []string{onStream}, shapes},
	// An element of an unknown type is inserted.
	{doUnknown, []string{onStream, exchange.OnStream}, strikes},
	// The next notification's SequenceNumber is one more than it ought to be, and so on from there.
	{doSkipSequence, []string{onStream}, strikes},
	// The next notification is sent twice.
	{doDuplicate, []string{onStream, exchange.OnStream}, strikes},
	// The next notification is not sent; its number is used up, and nothing else tells of it.
	{doLose, []string{onStream}, strikes},
	// The next notification is padded to Bytes bytes.
	{doHuge, []string{onStream, exchange.OnStream}, strikes},
	// What was queued while nobody listened is dropped when the stream opens; its sequence numbers are used up.
	{doLoseBetween, []string{onStream}, opens},

	// The service's own errors, in its two forms: Code, Message, and as BackOffMilliseconds Delay.
	{exchange.DoSoapFault, exchangeRequests, notOnStream},
	{exchange.DoErrorMessage, exchangeRequests, notOnStream},
	// An XML declaration before every envelope, which the service leaves out.
	{exchange.DoXMLDeclaration, []string{exchange.OnStream}, shapes},
	// Envelopes with a prefix.
	{exchange.DoSoapPrefix, []string{exchange.OnStream}, shapes},
	// Heartbeats of the other of their two forms.
	{exchange.DoOtherHeartbeat, []string{exchange.OnStream}, shapes},
	// Events and ConnectionStatus in one message.
	{exchange.DoCombined, []string{exchange.OnStream}, shapes},
	// ErrorSubscriptionIds in the namespace of the schema, not in that of the service.
	{exchange.DoTypesIDs, []string{exchange.OnStream}, shapes},
	// What waits in the first subscription is dropped, and ErrorMissedNotificationEvents says so.
	{exchange.DoMissed, []string{exchange.OnStream}, strikes},
	// The first subscription is deleted, and an error with Code says so.
	{exchange.DoDropSubscription, []string{exchange.OnStream}, strikes},
}

var exchangeRequests = []string{exchange.OnSubscribe, exchange.OnListen, exchange.OnCall}

func findFault(do string) (faultKind, bool) {
	i := slices.IndexFunc(faultKinds, func(k faultKind) bool { return k.do == do })
	if i < 0 {
		return faultKind{}, false
	}
	return faultKinds[i], true
}

// FaultsOn lists what a fault on something can do.
func FaultsOn(on string) []string {
	var names []string
	for _, k := range faultKinds {
		if slices.Contains(k.on, on) {
			names = append(names, k.do)
		}
	}
	return names
}

// checkFault is Arm's strictness. It returns the address of the fault's user.
func (s *Server) checkFault(f Fault) (string, error) {
	kind, ok := findFault(f.Do)
	if !ok || !slices.Contains(kind.on, f.On) {
		return "", fmt.Errorf("fakeserver: no fault %q on %q; there are %s", f.Do, f.On, faultList())
	}
	if f.Times < -1 || f.After < 0 || f.Bytes < 0 || f.Delay < 0 {
		return "", fmt.Errorf("fakeserver: fault %q on %q: times, after, bytes and delay cannot be negative (except times: -1)", f.Do, f.On)
	}
	if f.Status != 0 && (f.Status < 200 || f.Status > 599) {
		return "", fmt.Errorf("fakeserver: fault %q on %q: status %d is not between 200 and 599", f.Do, f.On, f.Status)
	}
	if f.Do == doStatus && f.Status == 0 {
		return "", fmt.Errorf("fakeserver: fault %q on %q: status is missing", f.Do, f.On)
	}
	if f.Do == doRedirect && f.Status != 0 && (f.Status < 300 || f.Status > 399) {
		return "", fmt.Errorf("fakeserver: fault %q on %q: status %d is no redirection", f.Do, f.On, f.Status)
	}
	for name, value := range f.Headers {
		if name == "" || strings.ContainsAny(name+value, "\r\n") || http.CanonicalHeaderKey(name) == "" {
			return "", fmt.Errorf("fakeserver: fault %q on %q: bad header %q", f.Do, f.On, name)
		}
	}
	if f.User == "" {
		return "", nil
	}
	account, ok := s.dir.find(f.User)
	if !ok {
		return "", fmt.Errorf("fakeserver: fault %q on %q: no account %q", f.Do, f.On, f.User)
	}
	return account.User, nil
}

// faultList is for the message that tells which faults there are.
func faultList() string {
	var lists []string
	for _, on := range everyOn {
		lists = append(lists, on+": "+strings.Join(FaultsOn(on), " "))
	}
	return strings.Join(lists, "; ")
}
