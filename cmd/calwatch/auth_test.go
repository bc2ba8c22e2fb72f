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
	const account = "(account)"
	for _, test := range []struct{ environ, args, want string }{
		{"", "--client-id x", account},
		{"", "--token-file x", authTokenFile},
		{"", "--token-file x --client-id x", authTokenFile},
		{"", "--token-command x", authTokenCommand},
		{"", "--token-file x --token-command x", both},
		{"", "--token-file x --token-command x --auth token-command", authTokenCommand},
		{"CLIENT_ID=x", "", account},
		{"TOKEN_FILE=x", "", authTokenFile},
		{"TOKEN_FILE=x CLIENT_ID=x", "", authTokenFile},
		{"TOKEN_FILE=x TOKEN_COMMAND=x", "", both},
		{"TOKEN_FILE=x TOKEN_COMMAND=x AUTH=token-file", "", authTokenFile},
		{"TOKEN_FILE=x", "--token-command x", authTokenCommand},
		{"TOKEN_COMMAND=x", "--token-file x", authTokenFile},
		{"TOKEN_FILE=x TOKEN_COMMAND=x", "--token-file x", authTokenFile},
		{"TOKEN_FILE=x", "--client-id x", account},
		{"TOKEN_COMMAND=x", "--client-id x", account},
		{"TOKEN_FILE=x CLIENT_ID=x", "--auth device-code", authDeviceCode},
		{"AUTH=token-file TOKEN_FILE=x", "--token-command x", authTokenCommand},
		{"AUTH=device-code CLIENT_ID=x", "--token-file x", authTokenFile},
		{"TOKEN_FILE=x CLIENT_ID=x", "--token-file=", account},
		{"TOKEN_FILE=x", "--auth device-code", authDeviceCode},
		{"", "", account},
		{"", "--account x", account},
		{"TOKEN_FILE=x", "--account x", account},
		{"ACCOUNT=x", "--token-file x", authTokenFile},
		{"", "--account x --token-file x", both},
		{"ACCOUNT=x TOKEN_FILE=x", "", both},
		{"AUTH=browser", "--client-id x", authBrowser},
		{"", "--client-secret-file x --client-id x", authClientSecret},
		{"", "--client-secret-file x", "--client-id is missing"},
		{"", "--auth client-secret --client-id x", "--client-secret-file is missing"},
		{"", "--certificate-file x --client-id x", authClientCertificate},
		{"", "--certificate-file x", "--client-id is missing"},
		{"", "--auth client-certificate --client-id x", "--certificate-file is missing"},
		{"", "--certificate-file x --client-secret-file x --client-id x", both},
		{"", "--token-file x --client-secret-file x --client-id x", both},
		{"CLIENT_SECRET_FILE=x", "--certificate-file x --client-id x", authClientCertificate},
		{"CLIENT_SECRET_FILE=x", "--client-id x", authClientSecret},
		{"AUTH=managed-identity TOKEN_FILE=x", "--client-id x", authManagedIdentity},
		{"AUTH=azure-cli", "--client-id x", account},
		{"AUTH=azure-cli TOKEN_FILE=x", "", authAzureCLI},
		{"TOKEN_FILE=x CERTIFICATE_FILE=x", "--client-id x", authClientCertificate},
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
			if got == authAccount {
				got = account
			}
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
