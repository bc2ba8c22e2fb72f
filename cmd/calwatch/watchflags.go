package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// watchFlags are those of "calwatch watch".
type watchFlags struct {
	endpoint          string
	caFile            string
	user              string
	scopes            []string
	changes           []string
	filter            string
	selected          []string
	expand            string
	keepAlive         time.Duration
	connectionTimeout time.Duration
	count             int
	duration          time.Duration
	auth              authFlags
	output            outputFlag
	log               logFlags
}

func (o *watchFlags) register(f *flags) {
	set := f.cmd.Flags()
	set.StringVar(&o.endpoint, "endpoint", outlookstream.DefaultEndpoint, f.doc("endpoint", "base URL of the service", outlookstream.DefaultEndpoint))
	registerCAFile(f, &o.caFile)
	set.StringVar(&o.user, "user", "", f.doc("user", `address or id of the mailbox that "me" stands for, for tokens without a user`, "who signed in"))
	registerScopes(f, &o.scopes)
	set.StringSliceVar(&o.changes, "changes", nil, f.doc("changes", "kinds of change, of created,updated,deleted", "all"))
	set.StringVar(&o.filter, "filter", "", f.doc("filter", `OData $filter, such as "IsRead eq false"`, ""))
	set.StringSliceVar(&o.selected, "select", nil, f.doc("select", "properties that come along with each change: Subject,Start,End", ""))
	set.StringVar(&o.expand, "expand", "", f.doc("expand", "OData $expand", ""))
	set.DurationVar(&o.keepAlive, "keep-alive", 0, f.doc("keep-alive", "how often the service is asked to show that it is alive", "15s"))
	set.DurationVar(&o.connectionTimeout, "connection-timeout", 0, f.doc("connection-timeout", "how long one connection is asked to last", "1h"))
	set.IntVar(&o.count, "count", 0, f.doc("count", "end after this many changes; a resync is not counted", "never"))
	set.DurationVar(&o.duration, "for", 0, f.doc("for", "end after this time", "never"))
	o.auth.register(f)
	o.output.register(f, "events")
	o.log.register(f, "info; warn on a terminal, where a status line says most of it")
}

func registerCAFile(f *flags, file *string) {
	f.cmd.Flags().StringVar(file, "ca-file", "", f.doc("ca-file", "PEM file of a certificate authority to trust besides the system's, for the service and for signing in", ""))
}

func registerScopes(f *flags, scopes *[]string) {
	f.cmd.Flags().StringSliceVar(scopes, "scope", nil, f.doc("scope", "permission to ask for; may be repeated", "the read permission of what is watched"))
}

// check says what is wrong with the values that nothing else looks at.
func (o *watchFlags) check() error {
	for name, d := range map[string]time.Duration{
		"keep-alive": o.keepAlive, "connection-timeout": o.connectionTimeout, "for": o.duration,
	} {
		if d < 0 {
			return usage(fmt.Errorf("--%s %v: it cannot be negative", name, d))
		}
	}
	if o.count < 0 {
		return usage(fmt.Errorf("--count %d: it cannot be negative", o.count))
	}
	// With nothing set but the endpoint, there is nothing else that New could
	// refuse.
	if _, err := outlookstream.New(auth.Static(""), &outlookstream.Options{Endpoint: o.endpoint}); err != nil {
		return usage(fmt.Errorf("--endpoint: %w", err))
	}
	return nil
}

// resources returns what to watch. All paths share the other flags.
func (o *watchFlags) resources(paths []string) ([]outlookstream.Resource, error) {
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
