package main

import "fmt"

// The services that can be watched.
const (
	apiREST = "rest" // the Outlook REST API
	apiEWS  = "ews"  // Exchange Web Services
)

// apiFlag is --api, and knows which flags are of use with one of the services
// only.
type apiFlag struct {
	flags *flags
	name  string
	own   map[string][]string // by service
}

func (a *apiFlag) register(f *flags, what string) {
	a.flags, a.name, a.own = f, apiREST, make(map[string][]string)
	f.cmd.Flags().Var(oneOf(&a.name, apiREST, apiEWS), "api", f.doc("api", what+": the Outlook REST API, or Exchange Web Services", apiREST))
	completeWords(f.cmd, "api", []string{apiREST, apiEWS})
}

// only has register register flags that are of use with one service only.
func (a *apiFlag) only(service string, register func()) {
	a.own[service] = append(a.own[service], a.flags.group(register)...)
}

// check refuses flags of the other service. What a variable says of that one is
// no mistake if the command line says which is meant.
func (a *apiFlag) check() error {
	for service, names := range a.own {
		if service == a.name {
			continue
		}
		for _, name := range names {
			switch {
			case a.flags.onCommandLine(name):
				return usage(fmt.Errorf("--%s is for --api %s, and this is --api %s", name, service, a.name))
			case a.flags.inEnvironment(name) && !a.flags.onCommandLine("api"):
				return usage(fmt.Errorf("environment variable %s is for --api %s, and this is --api %s: say with --api which is meant",
					variable(name), service, a.name))
			}
		}
	}
	return nil
}

// isEWS says whether it is Exchange Web Services.
func (a *apiFlag) isEWS() bool { return a.name == apiEWS }
