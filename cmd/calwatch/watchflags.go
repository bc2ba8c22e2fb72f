package main

import (
	"fmt"
	"time"
)

// watchFlags are those of "calwatch watch".
type watchFlags struct {
	api               apiFlag
	rest              restFlags
	ews               ewsFlags
	caFile            string
	scopes            []string
	connectionTimeout time.Duration
	count             int
	duration          time.Duration
	auth              authFlags
	output            outputFlag
	log               logFlags
}

func (o *watchFlags) register(f *flags) {
	set := f.cmd.Flags()
	o.api.register(f, "what the service speaks")
	o.api.only(apiREST, func() { o.rest.register(f) })
	o.api.only(apiEWS, func() { o.ews.register(f) })
	registerCAFile(f, &o.caFile)
	registerScopes(f, &o.scopes)
	set.DurationVar(&o.connectionTimeout, "connection-timeout", 0, f.doc("connection-timeout", "how long one connection is asked to last", "1h; EWS: 29m"))
	set.IntVar(&o.count, "count", 0, f.doc("count", "end after this many changes; a resync is not counted", "never"))
	set.DurationVar(&o.duration, "for", 0, f.doc("for", "end after this time", "never"))
	o.auth.register(f)
	o.api.only(apiEWS, func() { o.auth.password.register(f) })
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
func (o *watchFlags) check(args []string) error {
	if err := o.api.check(); err != nil {
		return err
	}
	for name, d := range map[string]time.Duration{"connection-timeout": o.connectionTimeout, "for": o.duration} {
		if d < 0 {
			return usage(fmt.Errorf("--%s %v: it cannot be negative", name, d))
		}
	}
	if o.count < 0 {
		return usage(fmt.Errorf("--count %d: it cannot be negative", o.count))
	}
	if o.api.isEWS() {
		return o.ews.check(args)
	}
	return o.rest.check()
}
