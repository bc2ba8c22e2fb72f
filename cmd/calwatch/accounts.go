package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

func (t *tool) accountsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "accounts",
		Short: "Say who is signed in",
		Long: `accounts lists who is signed in, to which application, for what, where that is
kept, and where its key is. It asks nobody but the token cache.`,
		Args: cobra.NoArgs,
	}
	f := &flags{cmd: cmd}
	var output outputFlag
	var cache cacheFlags
	var logging logFlags
	output.register(f, "accounts")
	cache.register(f)
	logging.register(f, quietLogLevel)
	return t.command(cmd, f, func(ctx context.Context, _ []string) error {
		if logging.level == "" {
			logging.level = quietLogLevel
		}
		s, err := t.newSession(ctx, nil, &logging)
		if err != nil {
			return err
		}
		defer s.close()
		k, err := cache.load(s, true)
		if err != nil {
			return err
		}
		defer k.close()
		switch {
		case len(k.accounts) == 0 && k.unread != nil: // somebody may be in there
			return k.unread
		case len(k.accounts) == 0:
			s.sayNobody(k)
			return nil
		}
		list := encodeAccounts
		if output.text(s.console.shared) {
			list = describeAccounts
		}
		text, err := list(k)
		if err != nil {
			return err
		}
		if err := s.console.event(text); err != nil {
			return err
		}
		return k.unread
	})
}

// accountLine is one line of JSON. Programs read it: fields are only ever added.
type accountLine struct {
	Account   string   `json:"account"`
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Tenant    string   `json:"tenant"`
	ClientID  string   `json:"client_id"`
	Authority string   `json:"authority"`
	Scopes    []string `json:"scopes"`
	Expires   string   `json:"access_token_expires,omitempty"` // RFC 3339, UTC; "": there is no access token
	StoredIn  string   `json:"stored_in"`
	KeySource string   `json:"key_source"`
}

func encodeAccounts(k *kept) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for _, a := range k.accounts {
		line := accountLine{
			Account: nameOf(a.Account), ID: a.ID, Name: a.Name, Tenant: a.TenantID, ClientID: a.ClientID, Authority: a.Authority,
			Scopes: append([]string{}, a.Scopes...), StoredIn: k.store.Dir(), KeySource: k.store.KeySource(),
		}
		if !a.ExpiresOn.IsZero() {
			line.Expires = a.ExpiresOn.UTC().Format(time.RFC3339)
		}
		if err := e.Encode(line); err != nil {
			return nil, err
		}
	}
	return escapeInvisible(b.Bytes()), nil
}

// describeAccounts is for people.
func describeAccounts(k *kept) ([]byte, error) {
	var b bytes.Buffer
	for _, a := range k.accounts {
		fmt.Fprintln(&b, plain(heading(a.Account)))
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		for _, row := range [][2]string{
			{"tenant", a.TenantID},
			{"application", a.ClientID},
			{"authority", a.Authority},
			{"scopes", strings.Join(a.Scopes, " ")},
			{"access token", expiry(a)},
			{"id", a.ID},
		} {
			fmt.Fprintf(w, "  %s\t%s\n", row[0], plain(row[1]))
		}
		if err := w.Flush(); err != nil {
			return nil, err
		}
	}
	fmt.Fprintf(&b, "Kept in %s, encrypted with %s.\n", plain(k.store.Dir()), plain(k.store.KeySource()))
	return b.Bytes(), nil
}

func heading(a msalauth.Account) string {
	if a.Name == "" || a.Name == nameOf(a) {
		return nameOf(a)
	}
	return nameOf(a) + " (" + a.Name + ")"
}

// expiry tells of the access token. That it has expired means nothing: it is
// renewed when it is needed.
func expiry(a msalauth.StoredAccount) string {
	switch {
	case a.ExpiresOn.IsZero():
		return "none; the next watch gets one"
	case !time.Now().Before(a.ExpiresOn):
		return "has expired; the next watch renews it"
	default:
		return "good until " + a.ExpiresOn.Local().Format("2006-01-02 15:04")
	}
}
