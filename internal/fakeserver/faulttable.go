package fakeserver

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
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
	{doStatus, []string{onSubscribe, onListen, onToken, onDeviceCode, onConfiguration, onAuthorize}, notOnStream},
	// The request is taken and never answered. On stream: no byte comes any more, changes queue up, nothing is closed.
	{doStall, []string{onSubscribe, onListen, onStream, onToken, onDeviceCode, onConfiguration, onAuthorize}, ends},
	// The connection dies as with RST, over HTTP/2 with every stream on it.
	{doReset, []string{onSubscribe, onListen, onStream, onToken, onDeviceCode, onConfiguration, onAuthorize}, ends},
	// 307 (or Status) to Location.
	{doRedirect, []string{onSubscribe, onListen, onToken, onDeviceCode, onConfiguration, onAuthorize}, notOnStream},
	// Delay before the answer, which is then the ordinary one; on stream before each element.
	{doSlow, []string{onSubscribe, onListen, onStream, onToken, onDeviceCode, onConfiguration, onAuthorize}, shapes},
	// A page of some gateway in between instead of JSON, with Status, 200 by default.
	{doHTML, []string{onSubscribe, onListen, onToken, onDeviceCode, onConfiguration, onAuthorize}, notOnStream},
	// Status 200 with an error in the body: Code, Message.
	{doErrorDocument, []string{onSubscribe, onListen, onToken, onDeviceCode, onConfiguration, onAuthorize}, notOnStream},
	// URLs in the answer, or in the stream's notifications, name the service's other host.
	{doOtherHost, []string{onSubscribe, onStream}, shapes},

	// The response dies between two elements: HTTP/1.1 without its last chunk, HTTP/2 with RST_STREAM.
	{doCut, []string{onStream}, ends},
	// The same in the middle of the next element, a keep-alive or not.
	{doCutMid, []string{onStream}, ends},
	// The same after exactly Bytes bytes of the body.
	{doCutAtByte, []string{onStream}, opens},
	// The document is closed with "]}", and then the response dies as with cut.
	{doNoFinalChunk, []string{onStream}, ends},
	// The response ends cleanly, but the document was not closed.
	{doUnclosed, []string{onStream}, ends},
	// "]}" and a clean end, before the time that was asked for.
	{doEarlyEnd, []string{onStream}, ends},
	// An error object as the last element (Code, Message); the document is not closed, the response ends cleanly.
	{doInStream, []string{onStream}, ends},
	// The document has no "value" at all, and ends cleanly.
	{doMissingValue, []string{onStream}, opens},
	// The document begins "{ {", as the documentation prints it.
	{doDoubleBrace, []string{onStream}, opens},
	// The body begins with a UTF-8 byte order mark.
	{doBOM, []string{onStream}, opens},
	// White space between and inside elements.
	{doPretty, []string{onStream}, shapes},
	// Every byte is written and flushed on its own.
	{doByteByByte, []string{onStream}, shapes},
	// Elements are held back and written several at a time; at the opening the preamble is held back with them.
	{doCoalesce, []string{onStream}, shapes},
	// Keep-alives say "OK".
	{doOKUpperCase, []string{onStream}, shapes},
	// An element of an unknown type is inserted.
	{doUnknown, []string{onStream}, strikes},
	// The next notification's SequenceNumber is one more than it ought to be, and so on from there.
	{doSkipSequence, []string{onStream}, strikes},
	// The next notification is sent twice.
	{doDuplicate, []string{onStream}, strikes},
	// The next notification is not sent; its number is used up, and nothing else tells of it.
	{doLose, []string{onStream}, strikes},
	// The next notification is padded to Bytes bytes.
	{doHuge, []string{onStream}, strikes},
	// What was queued while nobody listened is dropped when the stream opens; its sequence numbers are used up.
	{doLoseBetween, []string{onStream}, opens},
}

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
	for _, on := range []string{onSubscribe, onListen, onStream, onToken, onDeviceCode, onConfiguration, onAuthorize} {
		lists = append(lists, on+": "+strings.Join(FaultsOn(on), " "))
	}
	return strings.Join(lists, "; ")
}
