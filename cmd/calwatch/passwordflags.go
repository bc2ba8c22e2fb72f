package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

// passwordVariable has a password. No flag goes with it: what is on a command
// line can be read by others.
const passwordVariable = "CALWATCH_PASSWORD"

// passwordFlags say who proves by a password who they are.
type passwordFlags struct {
	flags    *flags
	username string
	file     string
	command  string
	variable func() string // the password of passwordVariable; nil if it is not set
}

func (p *passwordFlags) register(f *flags) {
	p.flags = f
	set := f.cmd.Flags()
	set.StringVar(&p.username, "username", "", f.doc("username", `EWS: for basic and ntlm: who signs in, as room1@contoso.com or CONTOSO\room1`, ""))
	set.StringVar(&p.file, "password-file", "", f.doc("password-file", "EWS: file that holds the password; it is read again whenever that is needed", "the password is in $"+passwordVariable))
	set.StringVar(&p.command, "password-command", "", f.doc("password-command", "EWS: command that prints the password; written as --token-command", ""))
}

// values are the flags, with what they say.
func (p *passwordFlags) values() []struct{ flag, value string } {
	return []struct{ flag, value string }{{"username", p.username}, {"password-file", p.file}, {"password-command", p.command}}
}

// given returns those of the flags that are set, and of which is says yes.
func (p *passwordFlags) given(is func(name string) bool) (names []string) {
	for _, v := range p.values() {
		if v.value != "" && is(v.flag) {
			names = append(names, "--"+v.flag)
		}
	}
	return names
}

// A login is somebody who proves by a password who they are.
type login struct {
	method   string // authBasic, authNTLM
	username string
	password func(context.Context) (string, error)
}

// login returns who signs in, and what returns when nothing runs any more that
// getting passwords has started. Commands live no longer than ctx.
func (p *passwordFlags) login(ctx context.Context, s *session, method string) (l *login, wait func(), err error) {
	from, err := p.source()
	if err != nil {
		return nil, nil, err
	}
	l, wait = &login{method: method, username: p.username}, func() {}
	switch from {
	case "--password-file":
		file, err := newSecretFile("password file", p.file, maxToken, s.environ, s.log)
		if err != nil {
			return nil, nil, usage(fmt.Errorf("--password-file: %w", err))
		}
		l.password = func(context.Context) (string, error) { return file.line() }
	case "--password-command":
		command, err := newSecretCommand(ctx, "password", p.command, s.environ, s.console)
		if err != nil {
			return nil, nil, usage(fmt.Errorf("--password-command: %w", err))
		}
		wait = command.wait
		l.password = func(ctx context.Context) (string, error) {
			password, err := command.run(ctx)
			if err != nil {
				return "", err
			}
			if !isLine(password) {
				return "", fmt.Errorf("%w: %v: it printed more than one line, or no text: only the password belongs there", auth.ErrMisconfigured, command)
			}
			return password, nil
		}
	default:
		l.password = func(context.Context) (string, error) { return p.variable(), nil }
	}
	return l, wait, nil
}

// source decides where the password comes from: what the command line says of
// it wins over whatever the environment says.
func (p *passwordFlags) source() (string, error) {
	password := func(flag string) bool { return flag != "username" }
	names := p.given(func(flag string) bool { return password(flag) && p.flags.onCommandLine(flag) })
	if len(names) == 0 {
		names = p.given(func(flag string) bool { return password(flag) && p.flags.inEnvironment(flag) })
		if p.variable != nil {
			names = append(names, "$"+passwordVariable)
		}
	}
	switch len(names) {
	case 0:
		return "", usage(errors.New("--password-file is missing: name the file that holds the password, or with --password-command what prints it, or set $" + passwordVariable))
	case 1:
		return names[0], nil
	default:
		return "", usage(errors.New("the password comes from " + strings.Join(names, " and ") + ": say one"))
	}
}

// withoutPassword takes the password out of an environment that is passed on to
// other programs. password is nil if there is none.
func withoutPassword(environ []string) (others []string, password func() string) {
	value, _ := lookupEnv(environ, passwordVariable)
	if value == "" {
		return environ, nil
	}
	others = slices.DeleteFunc(slices.Clone(environ), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return sameVariable(name, passwordVariable)
	})
	return others, func() string { return value }
}
