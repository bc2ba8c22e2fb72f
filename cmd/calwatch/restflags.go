package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// restFlags are those of "calwatch watch" that are for the Outlook REST API
// only.
type restFlags struct {
	endpoint  string
	user      string
	changes   []string
	filter    string
	selected  []string
	expand    string
	keepAlive time.Duration
}

func (o *restFlags) register(f *flags) {
	set := f.cmd.Flags()
	set.StringVar(&o.endpoint, "endpoint", outlookstream.DefaultEndpoint, f.doc("endpoint", "REST: base URL of the service", outlookstream.DefaultEndpoint))
	set.StringVar(&o.user, "user", "", f.doc("user", `REST: address or id of the mailbox that "me" stands for, for tokens without a user`, "who signed in"))
	set.StringSliceVar(&o.changes, "changes", nil, f.doc("changes", "REST: kinds of change, of created,updated,deleted", "all"))
	set.StringVar(&o.filter, "filter", "", f.doc("filter", `REST: OData $filter, such as "IsRead eq false"`, ""))
	set.StringSliceVar(&o.selected, "select", nil, f.doc("select", "REST: properties that come along with each change: Subject,Start,End", ""))
	set.StringVar(&o.expand, "expand", "", f.doc("expand", "REST: OData $expand", ""))
	set.DurationVar(&o.keepAlive, "keep-alive", 0, f.doc("keep-alive", "REST: how often the service is asked to show that it is alive", "15s"))
}

// check says what is wrong with the values that nothing else looks at.
func (o *restFlags) check() error {
	if o.keepAlive < 0 {
		return usage(fmt.Errorf("--keep-alive %v: it cannot be negative", o.keepAlive))
	}
	// With nothing set but the endpoint, there is nothing else that New could
	// refuse.
	if _, err := outlookstream.New(auth.Static(""), &outlookstream.Options{Endpoint: o.endpoint}); err != nil {
		return usage(fmt.Errorf("--endpoint: %w", err))
	}
	return nil
}

// resources returns what to watch. All paths share the other flags.
func (o *restFlags) resources(paths []string) ([]outlookstream.Resource, error) {
	changes, err := parseChanges(o.changes)
	if err != nil {
		return nil, err
	}
	var all []outlookstream.Resource
	for _, path := range pathsOf(paths) {
		all = append(all, outlookstream.Resource{
			Path: path, Changes: changes, Filter: o.filter, Select: o.selected, Expand: o.expand,
		})
	}
	return all, nil
}

// pathsOf returns what is meant by the arguments.
func pathsOf(args []string) []string {
	if len(args) == 0 {
		return []string{"me/events"}
	}
	return args
}

func parseChanges(names []string) (outlookstream.Changes, error) {
	var changes outlookstream.Changes
	for _, name := range names {
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "created":
			changes |= outlookstream.ChangeCreated
		case "updated":
			changes |= outlookstream.ChangeUpdated
		case "deleted":
			changes |= outlookstream.ChangeDeleted
		default:
			return 0, usage(fmt.Errorf("--changes: %q is not one of created, updated, deleted", name))
		}
	}
	return changes, nil
}
