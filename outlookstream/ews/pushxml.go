package ews

import (
	"encoding/xml"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

const (
	// maxPush bounds a notification: 50 events of a real server are some 60 KB.
	maxPush = 256 << 10
	// pushTime is how long it may take to arrive.
	pushTime = 30 * time.Second
)

// A refusal is an answer to what is not taken, in words for whoever looks into
// why: nothing of what was sent is repeated.
type refusal struct {
	status int
	text   string
}

var (
	notPosted = &refusal{http.StatusMethodNotAllowed, "Exchange sends notifications here, by POST."}
	notXML    = &refusal{http.StatusUnsupportedMediaType, "A notification is text/xml, and not compressed."}
	tooLarge  = &refusal{http.StatusRequestEntityTooLarge, "A notification of more than 256 KiB."}
	cutOff    = &refusal{http.StatusBadRequest, "The notification did not arrive as a whole, or not in time."}
	noPush    = &refusal{http.StatusBadRequest, "Not a SendNotification, or not about exactly one subscription."}
	notTaken  = &refusal{http.StatusServiceUnavailable, "Not now: send it again."}
)

func (r *refusal) write(w http.ResponseWriter) {
	if r == notPosted {
		w.Header().Set("Allow", http.MethodPost)
	}
	http.Error(w, r.text, r.status)
}

type sendNotification struct {
	Messages []notificationMessage `xml:"Body>SendNotification>ResponseMessages>SendNotificationResponseMessage"`
}

// failed reports whether the message says that the subscription failed.
func (m *notificationMessage) failed() bool { return m.isError() }

// subscription is the id of the subscription that the message is about.
func (m *notificationMessage) subscription() string {
	switch {
	case m.Notification != nil:
		return m.Notification.subscription()
	case len(m.Subscriptions) == 1:
		return strings.TrimSpace(m.Subscriptions[0].ID)
	}
	return ""
}

// readPush reads a notification from somebody who may be anybody.
func readPush(w http.ResponseWriter, r *http.Request) (*notificationMessage, *refusal) {
	if r.Method != http.MethodPost {
		return nil, notPosted
	}
	encoding := r.Header.Get("Content-Encoding")
	switch kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); {
	case kind != "text/xml" && kind != "application/soap+xml" && kind != "application/xml", encoding != "" && encoding != "identity":
		return nil, notXML
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(pushTime)) // the server lifts it at the body's end
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPush))
	if err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return nil, tooLarge
		}
		return nil, cutOff
	}
	return parsePush(body)
}

func parsePush(body []byte) (*notificationMessage, *refusal) {
	var sent sendNotification
	if xml.Unmarshal(body, &sent) != nil || len(sent.Messages) != 1 {
		return nil, noPush
	}
	m := &sent.Messages[0]
	if m.subscription() == "" || m.Notification == nil && !m.failed() {
		return nil, noPush
	}
	return m, nil
}

// The answers, as the documentation has them.
const (
	pushAnswerBegin = xml.Header + `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>` +
		`<SendNotificationResult xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"><SubscriptionStatus>`
	pushAnswerEnd = `</SubscriptionStatus></SendNotificationResult></soap:Body></soap:Envelope>`
)

func writePushAnswer(w http.ResponseWriter, goOn bool) {
	status := "Unsubscribe"
	if goOn {
		status = "OK"
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_, _ = io.WriteString(w, pushAnswerBegin+status+pushAnswerEnd) // if it does not arrive, the service sends the same again
}
