package autodiscover

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// Directory says where mailboxes are. Its methods are called from many goroutines.
type Directory interface {
	// Lookup finds a mailbox by its address, in whatever case it is written.
	Lookup(address string) (Entry, bool)
}

// Entry is what there is to say of one mailbox. At most one of RedirectAddress, RedirectURL and ErrorCode is looked at,
// in this order; each takes the place of the settings.
type Entry struct {
	// EWSURL is where the mailbox is served. "" is this server, by the name and port under which the client reached it; what
	// begins with a slash is a path on it.
	EWSURL string `json:"ewsUrl,omitzero"`
	// Grouping is GroupingInformation: mailboxes with the same one, and the same EWSURL, can share a stream. "" leaves the
	// setting out, as servers before Exchange 2013 do.
	Grouping string `json:"grouping,omitzero"`
	// DisplayName is the mailbox's; default the address.
	DisplayName string `json:"displayName,omitzero"`
	// RedirectAddress is another address to ask about instead.
	RedirectAddress string `json:"redirectAddress,omitzero"`
	// RedirectURL is where to ask instead: the other service's root, "https://host". Who asks there gets the settings. "/" is
	// this very server, so that it goes round for ever.
	RedirectURL string `json:"redirectUrl,omitzero"`
	// ErrorCode is what the SOAP form says: InvalidUser, ServerBusy, InternalServerError, ... The other forms say what
	// they have for it.
	ErrorCode string `json:"errorCode,omitzero"`
}

// Table is a Directory that is filled by hand. The zero value is empty and ready for use.
type Table struct {
	mu      sync.Mutex
	entries map[string]Entry
}

// Set adds a mailbox, or changes what is said of it.
func (t *Table) Set(address string, e Entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.entries == nil {
		t.entries = make(map[string]Entry)
	}
	t.entries[strings.ToLower(address)] = e
}

// Remove forgets a mailbox.
func (t *Table) Remove(address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.entries, strings.ToLower(address))
}

// Lookup implements Directory.
func (t *Table) Lookup(address string) (Entry, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, ok := t.entries[strings.ToLower(address)]
	return e, ok
}

const ewsPath = "/EWS/Exchange.asmx"

// ewsURL is the mailbox's URL as this client is told.
func (e Entry) ewsURL(r *http.Request) string {
	switch {
	case e.EWSURL == "":
		return root(r) + ewsPath
	case strings.HasPrefix(e.EWSURL, "/"):
		return root(r) + e.EWSURL
	}
	return e.EWSURL
}

// sendsOn says whether the client has to ask elsewhere.
func (e Entry) sendsOn(r *http.Request) bool {
	if e.RedirectURL == "" || e.RedirectURL == "/" {
		return e.RedirectURL != ""
	}
	u, err := url.Parse(e.RedirectURL)
	return err != nil || !strings.EqualFold(u.Host, r.Host)
}

// redirectRoot is where the client is sent.
func (e Entry) redirectRoot(r *http.Request) string {
	if e.RedirectURL == "/" {
		return root(r)
	}
	return strings.TrimSuffix(e.RedirectURL, "/")
}

// root is this server by the name under which the client reached it.
func root(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
