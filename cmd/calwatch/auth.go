package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The ways to get a token, or to do without.
const (
	authDeviceCode        = "device-code"
	authBrowser           = "browser"
	authClientSecret      = "client-secret"
	authClientCertificate = "client-certificate"
	authManagedIdentity   = "managed-identity"
	authAzureCLI          = "azure-cli"
	authTokenFile         = "token-file"
	authTokenCommand      = "token-command"
	authBasic             = "basic" // no tokens, but a password, as is
	authNTLM              = "ntlm"  // the same

	// authAccount is the default: somebody who is signed in, or signs in.
	authAccount = ""
)

// authFlags say where tokens come from. None of them is a secret: those come
// from a file, a command or a person.
type authFlags struct {
	flags               *flags
	method              string
	application         applicationFlags
	clientSecretFile    string
	certificateFile     string
	certificatePassword string // a file
	tokenFile           string
	tokenCommand        string
	password            passwordFlags // registered by commands that have a use for them
	cache               cacheFlags
}

func (a *authFlags) register(f *flags) {
	a.flags = f
	set := f.cmd.Flags()
	methods := []string{
		authDeviceCode, authBrowser, authClientSecret, authClientCertificate, authManagedIdentity, authAzureCLI, authTokenFile, authTokenCommand, authBasic, authNTLM,
	}
	set.Var(oneOf(&a.method, methods...), "auth", f.doc("auth", "where tokens come from, or who has a password: "+strings.Join(methods, ", "),
		"as the other flags tell, or else an account that is signed in"))
	completeWords(f.cmd, "auth", methods)
	a.application.register(f, "who of those that are signed in: username or id")
	set.StringVar(&a.clientSecretFile, "client-secret-file", "", f.doc("client-secret-file", "file that holds the application's secret; it is read again for each token", ""))
	set.StringVar(&a.certificateFile, "certificate-file", "", f.doc("certificate-file", "PEM or PFX file with the application's certificate and private key; it is read again for each token", ""))
	set.StringVar(&a.certificatePassword, "certificate-password-file", "", f.doc("certificate-password-file", "file that holds the password of a PFX file", ""))
	set.StringVar(&a.tokenFile, "token-file", "", f.doc("token-file", "file that holds an access token; it is read again whenever one is needed", ""))
	set.StringVar(&a.tokenCommand, "token-command", "", f.doc("token-command",
		`command that prints an access token: words separated by white space, which '...' or "..." keep together; there is no shell`, ""))
	a.cache.register(f)
}

// meanings are the flags that each tell the method by itself.
func (a *authFlags) meanings() []struct{ flag, value, method string } {
	return []struct{ flag, value, method string }{
		{"token-file", a.tokenFile, authTokenFile},
		{"token-command", a.tokenCommand, authTokenCommand},
		{"client-secret-file", a.clientSecretFile, authClientSecret},
		{"certificate-file", a.certificateFile, authClientCertificate},
		{"account", a.application.account, authAccount},
	}
}

// choose decides on the method. What the command line says of it wins over
// whatever the environment says, and that over the default. A client id on the
// command line does not say which it is, but rules out what has no use for one.
func (a *authFlags) choose() (string, error) {
	method, err := a.chosen()
	if err != nil {
		return "", err
	}
	for _, need := range []struct{ method, flag, value, advice string }{
		{authTokenFile, "token-file", a.tokenFile, "name the file that holds an access token"},
		{authTokenCommand, "token-command", a.tokenCommand, "name the command that prints an access token"},
		{authClientSecret, "client-secret-file", a.clientSecretFile, "name the file that holds the application's secret"},
		{authClientSecret, "client-id", a.application.clientID, "name the application (client) id that the secret belongs to"},
		{authClientCertificate, "certificate-file", a.certificateFile, "name the file that holds the application's certificate and private key"},
		{authClientCertificate, "client-id", a.application.clientID, "name the application (client) id that the certificate belongs to"},
		{authBasic, "username", a.password.username, "name who signs in"},
		{authNTLM, "username", a.password.username, "name who signs in, as DOMAIN\\NAME or by address"},
	} {
		if method == need.method && need.value == "" {
			return "", usage(fmt.Errorf("--%s is missing: %s", need.flag, need.advice))
		}
	}
	if names := a.password.given(a.flags.onCommandLine); len(names) > 0 && !usesPassword(method) {
		return "", usage(fmt.Errorf("%s is for --auth %s and %s: say which", names[0], authBasic, authNTLM))
	}
	return method, nil
}

func (a *authFlags) chosen() (string, error) {
	possible := func(string) bool { return true }
	for _, given := range []func(name string) bool{a.flags.onCommandLine, a.flags.inEnvironment} {
		if a.method != "" && given("auth") && possible(a.method) {
			return a.method, nil
		}
		var names, methods []string
		for _, m := range a.meanings() {
			if m.value != "" && given(m.flag) && possible(m.method) {
				names = append(names, "--"+m.flag)
				methods = append(methods, m.method)
			}
		}
		switch {
		case len(names) > 1:
			return "", usage(errors.New(strings.Join(names, " and ") + " do not go together: say with --auth which is meant"))
		case len(names) == 1:
			return methods[0], nil
		case a.application.clientID != "" && given("client-id"):
			possible = usesClientID
		}
	}
	if names := a.password.given(a.flags.inEnvironment); len(names) > 0 {
		return "", usage(fmt.Errorf("%s is for --auth %s and %s: say which", names[0], authBasic, authNTLM))
	}
	return authAccount, nil
}

func usesClientID(method string) bool {
	return !slices.Contains([]string{authTokenFile, authTokenCommand, authAzureCLI, authBasic, authNTLM}, method)
}

// usesPassword says whether a method does without tokens.
func usesPassword(method string) bool { return method == authBasic || method == authNTLM }

// isApplication says whether a method gets tokens that belong to no person.
func isApplication(method string) bool {
	return method == authClientSecret || method == authClientCertificate || method == authManagedIdentity
}
