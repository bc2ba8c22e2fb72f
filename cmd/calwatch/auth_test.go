package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// The rule of flags, variables and defaults holds for the method, too, although
// several flags have a say in it.
func TestTheCommandLineDecidesWhereTokensComeFrom(t *testing.T) {
	const both = "say with --auth"
	for _, test := range []struct{ environ, args, want string }{
		{"", "--client-id x", authDeviceCode},
		{"", "--token-file x", authTokenFile},
		{"", "--token-file x --client-id x", authTokenFile},
		{"", "--token-command x", authTokenCommand},
		{"", "--token-file x --token-command x", both},
		{"", "--token-file x --token-command x --auth token-command", authTokenCommand},
		{"CLIENT_ID=x", "", authDeviceCode},
		{"TOKEN_FILE=x", "", authTokenFile},
		{"TOKEN_FILE=x CLIENT_ID=x", "", authTokenFile},
		{"TOKEN_FILE=x TOKEN_COMMAND=x", "", both},
		{"TOKEN_FILE=x TOKEN_COMMAND=x AUTH=token-file", "", authTokenFile},
		{"TOKEN_FILE=x", "--token-command x", authTokenCommand},
		{"TOKEN_COMMAND=x", "--token-file x", authTokenFile},
		{"TOKEN_FILE=x TOKEN_COMMAND=x", "--token-file x", authTokenFile},
		{"TOKEN_FILE=x", "--client-id x", authDeviceCode},
		{"TOKEN_COMMAND=x", "--client-id x", authDeviceCode},
		{"TOKEN_FILE=x CLIENT_ID=x", "--auth device-code", authDeviceCode},
		{"AUTH=token-file TOKEN_FILE=x", "--token-command x", authTokenCommand},
		{"AUTH=device-code CLIENT_ID=x", "--token-file x", authTokenFile},
		{"TOKEN_FILE=x CLIENT_ID=x", "--token-file=", authDeviceCode},
		{"TOKEN_FILE=x", "--auth device-code", "--client-id is missing"},
		{"", "", "--client-id is missing"},
	} {
		t.Run(test.environ+" "+test.args, func(t *testing.T) {
			var environ []string
			for variable := range strings.FieldsSeq(test.environ) {
				environ = append(environ, "CALWATCH_"+variable)
			}
			f := &flags{cmd: new(cobra.Command)}
			var a authFlags
			a.register(f)
			if err := f.cmd.ParseFlags(strings.Fields(test.args)); err != nil {
				t.Fatal(err)
			}
			if err := f.fromEnvironment(environ); err != nil {
				t.Fatal(err)
			}
			got, err := a.choose()
			if err != nil {
				got = err.Error()
				if exitStatus(err) != exitUsage {
					t.Errorf("exit status %d", exitStatus(err))
				}
			}
			if !strings.Contains(got, test.want) {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}
