package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// ewsFlags are those of "calwatch watch" that are for Exchange Web Services
// only.
type ewsFlags struct {
	flags       *flags
	url         string
	discover    bool
	servers     []string
	mailboxes   []string
	mailboxFile string
	impersonate bool
	folders     []string
	version     string
	userAgent   string
}

// allFolders is what --folders calls them.
const allFolders = "all"

func (o *ewsFlags) register(f *flags) {
	o.flags = f
	set := f.cmd.Flags()
	set.StringVar(&o.url, "ews-url", ews.OnlineURL, f.doc("ews-url", "EWS: address of the service, such as https://mail.contoso.com/EWS/Exchange.asmx", ews.OnlineURL))
	set.BoolVar(&o.discover, "autodiscover", false, f.doc("autodiscover", "EWS: ask Autodiscover where each mailbox is, instead of --ews-url", ""))
	set.StringSliceVar(&o.servers, "autodiscover-server", nil, f.doc("autodiscover-server", "EWS: server to ask, such as https://mail.contoso.com; may be repeated",
		"Exchange Online with tokens; with a password those that each address leads to"))
	set.StringSliceVar(&o.mailboxes, "mailbox", nil, f.doc("mailbox", "EWS: address of a mailbox to watch; may be repeated", "that of who signs in"))
	set.StringVar(&o.mailboxFile, "mailbox-file", "", f.doc("mailbox-file", "EWS: file of addresses to watch, one a line; SIGHUP has it read again", ""))
	set.BoolVar(&o.impersonate, "impersonate", false, f.doc("impersonate", "EWS: act as each mailbox, with the right of ApplicationImpersonation or full_access_as_app", ""))
	set.StringSliceVar(&o.folders, "folders", nil, f.doc("folders", "EWS: folders to watch, by the names that every mailbox has for them: calendar,inbox; or "+allFolders, defaultFolder))
	set.StringVar(&o.version, "ews-version", "", f.doc("ews-version", "EWS: version of the protocol to ask for", "Exchange2013_SP1, or what an older server knows"))
	set.StringVar(&o.userAgent, "user-agent", "", f.doc("user-agent", "EWS: what to be known as to the service, which may let only some in: contoso-rooms/1.4", "calwatch"))
	completeWords(f.cmd, "user-agent", nil) // with the names of files, a shell would otherwise
	completeWords(f.cmd, "folders", []string{allFolders, "calendar", "contacts", "deleteditems", "drafts", "inbox", "junkemail", "notes", "sentitems", "tasks"})
}

// defaultFolder is what "me/events" is to the other service.
const defaultFolder = "calendar"

// check says what is wrong with the values that nothing else looks at.
func (o *ewsFlags) check(args []string) error {
	if len(args) > 0 {
		return usage(fmt.Errorf("%s: with --api ews, --mailbox and --mailbox-file name what is watched, and --folders which folders of it", args[0]))
	}
	discover, err := o.discovers()
	switch {
	case err != nil:
		return err
	case len(o.servers) > 0 && o.flags.onCommandLine("autodiscover-server") && !discover:
		return usage(errors.New("--autodiscover-server is for --autodiscover, which is not set"))
	case discover && !o.named():
		return usage(errors.New("--autodiscover looks for mailboxes by their address: name one with --mailbox or --mailbox-file"))
	case o.impersonate && !o.named():
		return usage(errors.New("--impersonate acts as a mailbox: name one with --mailbox or --mailbox-file"))
	}
	for _, folder := range o.folders {
		if folder == allFolders && o.named() && !o.impersonate {
			return usage(errors.New("--folders: all of another mailbox can be watched only as that mailbox, with --impersonate; for the own one, leave --mailbox out"))
		}
		if folder == "" || strings.Trim(folder, "abcdefghijklmnopqrstuvwxyz") != "" {
			return usage(fmt.Errorf("--folders: %q is not one of the names that every mailbox has for its folders, which are like calendar, inbox, sentitems", folder))
		}
		if folder == allFolders && len(o.folders) > 1 {
			return usage(fmt.Errorf("--folders: %s goes with no other", allFolders))
		}
	}
	if err := checkURL("--ews-url", o.url); err != nil {
		return err
	}
	if _, err := ews.New(ews.Bearer(auth.Static("")), &ews.Options{UserAgent: o.userAgent}); err != nil {
		return usage(fmt.Errorf("--user-agent: %w", err))
	}
	for _, server := range o.servers {
		if err := checkURL("--autodiscover-server", server); err != nil {
			return err
		}
	}
	return nil
}

// checkURL refuses addresses to which credentials must not be sent.
func checkURL(flag, address string) error {
	// With nothing else set, there is nothing else that New could refuse.
	if _, err := ews.New(ews.Bearer(auth.Static("")), &ews.Options{URL: address}); err != nil {
		return usage(fmt.Errorf("%s: %w", flag, err))
	}
	return nil
}

// named says whether it is said whose mailboxes are meant.
func (o *ewsFlags) named() bool { return len(o.mailboxes) > 0 || o.mailboxFile != "" }

// discovers decides between the two ways to know where a mailbox is: what the
// command line says of it wins over whatever the environment says.
func (o *ewsFlags) discovers() (bool, error) {
	for _, given := range []func(name string) bool{o.flags.onCommandLine, o.flags.inEnvironment} {
		discover := o.discover && given("autodiscover")
		switch {
		case discover && given("ews-url"):
			return false, usage(errors.New("--ews-url and --autodiscover are both set: say one"))
		case discover:
			return true, nil
		case given("ews-url"):
			return false, nil
		}
	}
	return false, nil
}

// watched returns the folders that are watched, of each mailbox.
func (o *ewsFlags) watched() []ews.Folder {
	switch {
	case len(o.folders) == 0:
		return ews.Distinguished(defaultFolder)
	case o.folders[0] == allFolders:
		return nil
	default:
		return ews.Distinguished(o.folders...)
	}
}

// options are those of the library that flags say.
func (o *ewsFlags) options(connectionTimeout time.Duration) (ews.Options, error) {
	discover, err := o.discovers()
	if err != nil {
		return ews.Options{}, err
	}
	options := ews.Options{
		URL: o.url, Discover: discover, Autodiscover: ews.AutodiscoverOptions{Servers: o.servers},
		Impersonate: o.impersonate, Version: o.version, UserAgent: o.userAgent, ConnectionTimeout: connectionTimeout,
	}
	_, err = ews.New(ews.Bearer(auth.Static("")), &options)
	if err != nil {
		return options, usage(fmt.Errorf("%w (on the command line: --connection-timeout)", err))
	}
	return options, nil
}
