package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// flags are those of one command, each of which has an environment variable.
type flags struct {
	cmd       *cobra.Command
	names     []string
	variables []string // names of the flags that a variable has set
}

// doc returns the description of a flag, with its default, unless that is "",
// and its variable, and remembers the flag.
func (f *flags) doc(name, text, byDefault string) string {
	f.names = append(f.names, name)
	if byDefault != "" {
		text += fmt.Sprintf(" (default %s)", byDefault)
	}
	return fmt.Sprintf("%s [$%s]", text, variable(name))
}

// group returns the names of the flags that register has registered.
func (f *flags) group(register func()) []string {
	before := len(f.names)
	register()
	return slices.Clone(f.names[before:])
}

// hideDefaults keeps the help text from showing defaults twice: cobra would add
// those it knows of behind the variable, in a style of its own.
func (f *flags) hideDefaults() {
	for _, name := range f.names {
		flag := f.cmd.Flags().Lookup(name)
		if _, isChoice := flag.Value.(*choice); isChoice || flag.Value.Type() == "string" {
			flag.DefValue = "" // flags of other types have none but zero, which is not shown
		}
	}
}

// variable returns the name of a flag's environment variable:
// CALWATCH_TOKEN_FILE for token-file.
func variable(flag string) string {
	return "CALWATCH_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// fromEnvironment sets the flags that were not given on the command line. An
// empty variable is the same as none.
func (f *flags) fromEnvironment(environ []string) error {
	for _, name := range f.names {
		value, _ := lookupEnv(environ, variable(name))
		if value == "" || f.cmd.Flags().Changed(name) {
			continue
		}
		if err := f.cmd.Flags().Set(name, value); err != nil {
			return usage(fmt.Errorf("environment variable %s: %w", variable(name), err))
		}
		f.variables = append(f.variables, name)
	}
	return nil
}

// onCommandLine says whether a flag was given there.
func (f *flags) onCommandLine(name string) bool {
	return f.cmd.Flags().Changed(name) && !f.inEnvironment(name)
}

// inEnvironment says whether a flag has its value from its variable.
func (f *flags) inEnvironment(name string) bool { return slices.Contains(f.variables, name) }

// choice is the value of a flag that takes one of a few words.
type choice struct {
	value   *string
	allowed []string
}

// oneOf returns a flag value that sets *value, whose present value is the
// default.
func oneOf(value *string, allowed ...string) *choice { return &choice{value, allowed} }

// Set implements the flag package's Value.
func (c *choice) Set(s string) error {
	if !slices.Contains(c.allowed, s) {
		return fmt.Errorf("%q is not one of %s", s, strings.Join(c.allowed, ", "))
	}
	*c.value = s
	return nil
}

// String implements the flag package's Value.
func (c *choice) String() string { return *c.value }

// Type is what the help text shows: the words, unless that would move all
// descriptions off to the right.
func (c *choice) Type() string {
	if words := strings.Join(c.allowed, "|"); len(words) <= maxType {
		return words
	}
	return "string"
}

const maxType = 32
