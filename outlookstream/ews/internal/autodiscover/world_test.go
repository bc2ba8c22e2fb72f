package autodiscover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/outlookstream"
)

// A world is servers by the address of each endpoint. What is not in it cannot be
// reached.
type world struct {
	t       *testing.T
	servers map[string]server
	open    bool     // everybody gets an answer
	asked   []string // "credentials https://...: a@x b@x"; "nobody ..." without
}

// A server answers requests about mailboxes.
type server func(mailboxes []string) (Answer, error)

// httpError is what a client makes of a status.
type httpError struct {
	status int
	is     error
}

func (e httpError) Error() string { return fmt.Sprintf("%d %s", e.status, http.StatusText(e.status)) }

func (e httpError) Is(target error) bool { return e.is != nil && target == e.is }

var errUnreachable = errors.New("connection refused")

func plain(text string, _ int) string { return text }

var mailboxElement = regexp.MustCompile(`<(?:a:Mailbox|EMailAddress)>([^<]*)<`)

func (w *world) send(_ context.Context, r *http.Request, addresses []string, credentials bool) (Answer, error) {
	var mailboxes []string
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, m := range mailboxElement.FindAllStringSubmatch(string(body), -1) {
			mailboxes = append(mailboxes, m[1])
		}
	} else {
		mailboxes = addresses
	}
	who := "nobody"
	if credentials {
		who = "credentials"
	}
	w.asked = append(w.asked, who+" "+r.URL.String()+": "+strings.Join(mailboxes, " "))
	answer, ok := w.servers[r.URL.Scheme+"://"+r.URL.Host+r.URL.Path]
	if !ok {
		return Answer{}, errUnreachable
	}
	if !w.open && !credentials && r.Method == http.MethodPost {
		return Answer{Status: 401}, httpError{401, outlookstream.ErrUnauthorized}
	}
	a, err := answer(mailboxes)
	if a.Status == 0 && err == nil {
		a.Status = 200
	}
	a.Present = plain
	return a, err
}

func (w *world) discover(servers []string, allow func(string, *url.URL) bool, addresses ...string) (map[string]Result, error) {
	c := Config{Send: w.send, Allow: allow}
	for _, s := range servers {
		u, err := url.Parse(s)
		if err != nil {
			w.t.Fatal(err)
		}
		c.Servers = append(c.Servers, u)
	}
	return Discover(w.t.Context(), c, addresses)
}

// expect compares the requests that were made.
func (w *world) expect(want ...string) {
	w.t.Helper()
	if got := strings.Join(w.asked, "\n"); got != strings.Join(want, "\n") {
		w.t.Errorf("asked\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func status(code int) server {
	return func([]string) (Answer, error) { return Answer{Status: code}, httpError{status: code} }
}

func redirect(to string) server {
	return func([]string) (Answer, error) { return Answer{Status: 302, Location: to}, nil }
}

func body(text string) server {
	return func([]string) (Answer, error) { return Answer{Body: []byte(text)}, nil }
}

// soap answers about each mailbox what user makes of it: see settings, userError.
func soap(user func(mailbox string) string) server {
	return func(mailboxes []string) (Answer, error) {
		var b strings.Builder
		b.WriteString(`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><GetUserSettingsResponseMessage xmlns="http://schemas.microsoft.com/exchange/2010/Autodiscover">` +
			`<Response xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><ErrorCode>NoError</ErrorCode><ErrorMessage/><UserResponses>`)
		for _, m := range mailboxes {
			b.WriteString("<UserResponse>" + user(m) + "</UserResponse>")
		}
		b.WriteString(`</UserResponses></Response></GetUserSettingsResponseMessage></s:Body></s:Envelope>`)
		return Answer{Body: []byte(b.String())}, nil
	}
}

func settings(pairs ...string) string {
	var b strings.Builder
	b.WriteString(`<ErrorCode>NoError</ErrorCode><ErrorMessage>No error.</ErrorMessage><RedirectTarget i:nil="true"/><UserSettingErrors/><UserSettings>`)
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(&b, `<UserSetting i:type="StringSetting"><Name>%s</Name><Value>%s</Value></UserSetting>`, pairs[i], pairs[i+1])
	}
	return b.String() + "</UserSettings>"
}

func userError(code, target string) string {
	return "<ErrorCode>" + code + "</ErrorCode><ErrorMessage>said so</ErrorMessage><RedirectTarget>" + target + "</RedirectTarget><UserSettings/>"
}

// here is where everybody's mailbox is, unless a test says otherwise.
func here(string) string {
	return settings(internalURL, "https://internal.contoso.com/EWS/Exchange.asmx", externalURL, "https://mail.contoso.com/EWS/Exchange.asmx", grouping, "CONTOSO-1", casVersion, "15.02.1544.011")
}

var contoso = Settings{URL: "https://mail.contoso.com/EWS/Exchange.asmx", Grouping: "CONTOSO-1", Version: "15.02.1544.011"}

const (
	svc  = "/autodiscover/autodiscover.svc"
	xmlP = "/autodiscover/autodiscover.xml"
	v1   = "/autodiscover/autodiscover.json/v1.0/"
)
