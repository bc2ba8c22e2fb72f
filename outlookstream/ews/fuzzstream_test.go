package ews

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode"
	"unicode/utf8"

	"github.com/calwatch/calwatch/outlookstream"
)

// {token} stands in a fuzzed answer for the token that the service was sent.
func withToken(text string) string { return strings.ReplaceAll(text, "{token}", wireToken) }

// checkText fails the test if an error's text has no bounds, is not printable,
// or tells the token.
func checkText(t *testing.T, text string) {
	t.Helper()
	if len(text) > 8<<10 {
		t.Errorf("%d bytes: %.200q", len(text), text)
	}
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Errorf("not printable: %.500q", text)
	}
	if strings.Contains(text, wireToken) {
		t.Errorf("the token is told: %.500q", text)
	}
}

// FuzzStream gives a Stream a whole response. What comes out is checked against
// what it must be at all times, and must not depend on how the bytes were cut.
func FuzzStream(f *testing.F) {
	for _, seed := range []string{
		"", anOK, aCreation, aGoodbye, anOK + aCreation + aGoodbye, aFault, "<html>{token}", "{token}", "<Envelope/>", anOK + "<Envelope></x>" + aGoodbye,
		anErrorEnvelope("ErrorMissedNotificationEvents", "<m:ErrorSubscriptionIds><m:SubscriptionId>one</m:SubscriptionId></m:ErrorSubscriptionIds>") + aGoodbye,
		anErrorEnvelope("ErrorInvalidSubscription {token}", aClosed), anErrorEnvelope("ErrorMissedNotificationEvents", aClosed),
		notifications(notificationFor("one", anItemEvent("MovedEvent", "I"), aStatusEvent), notificationFor("x", anItemEvent("LaterEvent", ""))), strings.Replace(aCreation, ">NoError", ">{token}", 1),
		`<Envelope xmlns="x"><Body><GetStreamingEventsResponse><ResponseMessages><GetStreamingEventsResponseMessage ResponseClass="Success"><ConnectionStatus>closed</ConnectionStatus></GetStreamingEventsResponseMessage></ResponseMessages></GetStreamingEventsResponse></Body></Envelope>`,
		"<Envelope>" + strings.Repeat("x", 1<<13) + "</Envelope>" + anOK, "\xef\xbb\xbf<?xml version='1.0'?>" + anOK, "<{token}/>", "<Envelope><{token}></Envelope>", "<Envelope>&{token};</Envelope>",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > 1<<16 {
			return
		}
		whole := brought(t, strings.NewReader(withToken(string(body))))
		if apart := brought(t, iotest.OneByteReader(strings.NewReader(withToken(string(body))))); !slices.Equal(whole, apart) {
			t.Errorf("at once: %q\nbyte by byte: %q", whole, apart)
		}
	})
}

// brought tells what a stream brings, to its end.
func brought(t *testing.T, body io.Reader) (told []string) {
	t.Helper()
	st, err := open(t, Options{MaxEnvelope: 4 << 10}, func(r *http.Request) (*http.Response, error) {
		resp := answered(r, 200, "")
		resp.Body = io.NopCloser(body)
		return resp, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	closed := false
	for {
		n, err := st.Next()
		if err == nil {
			if closed {
				t.Error("something came after the goodbye")
			}
			closed = n.Status == "Closed"
			checkText(t, strings.Map(printable, n.Status))
			for _, e := range n.Events {
				if !strings.HasSuffix(string(e.Type), "Event") || e.Type == "StatusEvent" || e.Mailbox != st.mailboxes[e.SubscriptionID] {
					t.Errorf("%+v", e)
				}
				event, ok := e.event("m", n.Received)
				if ok && (event.ID == "" || event.Kind == 0) {
					t.Errorf("%+v", event)
				}
				told = append(told, fmt.Sprintf("%s %q %q %v %v", e.Type, e.ItemID, e.FolderID, e.TimeStamp, ok))
			}
			told = append(told, "status "+n.Status)
			continue
		}
		if err == io.EOF {
			said := strings.Join(told, "\n")
			if !strings.Contains(said, "status Closed") && !strings.Contains(said, "ErrorMissed") {
				t.Errorf("a clean end, and nobody said so: %q", told)
			}
			return append(told, "EOF")
		}
		checkText(t, err.Error())
		_, skipped := errors.AsType[*outlookstream.SkippedError](err)
		said, isSaid := errors.AsType[*Error](err)
		if _, ok := errors.AsType[*outlookstream.ConnectionError](err); !ok && !skipped && !isSaid || errors.Is(err, io.EOF) {
			t.Errorf("%T: %v", err, err)
		}
		switch {
		case isSaid:
			told = append(told, "said "+said.Code+" "+said.Message+" "+strings.Join(said.Subscriptions, " "))
		case skipped:
			told = append(told, err.Error())
		default:
			told = append(told, fmt.Sprint("broken ", errors.Is(err, outlookstream.ErrMalformed), errors.Is(err, io.ErrUnexpectedEOF)))
		}
		if !skipped && !errors.Is(err, outlookstream.ErrMissed) {
			if _, again := st.Next(); again != err {
				t.Errorf("%v, then %v", err, again)
			}
			return told
		}
	}
}

func printable(r rune) rune {
	if !unicode.IsPrint(r) || r == utf8.RuneError {
		return ' '
	}
	return r
}

// FuzzAnswer gives a call an answer of any status.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{aSubscription, aRefusal("ErrorServerBusy", ""), aFault, faulty("x", "{token}", "{token}"), "", "<html><br>", "{token}", "<a/>", aSubscription[:len(aSubscription)/2],
		strings.Replace(aSubscription, "JwBkYjd", "{token}", 1), aRefusal("{token}\r\n\x1b[2J", "")} {
		f.Add(200, []byte(seed))
		f.Add(500, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 100 || status > 999 {
			return
		}
		sub, err := subscribeBy(t, Options{}, func(r *http.Request) (*http.Response, error) {
			return answered(r, status, withToken(string(body))), nil
		})
		if err == nil {
			if sub.ID == "" || status != 200 {
				t.Errorf("%d: %+v", status, sub)
			}
			return
		}
		checkText(t, err.Error())
		said, isSaid := errors.AsType[*Error](err)
		if _, ok := errors.AsType[*outlookstream.ConnectionError](err); ok == isSaid {
			t.Errorf("%T: %v", err, err)
		}
		if isSaid && (said.Status != status || said.BackOff < 0) {
			t.Errorf("%+v", said)
		}
	})
}
