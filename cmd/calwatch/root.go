package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
)

// A tool is one run of the program: what it was given by its surroundings.
type tool struct {
	environ    []string      // "NAME=value", passed on to what it starts
	password   func() string // that of the environment, which is not passed on; nil: none
	hangups    func() (heard <-chan os.Signal, stop func())
	stdout     io.Writer
	stderr     io.Writer
	isTerminal func(w any) bool
	running    bool // a command has been told apart from a mistake in calling it
}

// run is the whole program, except for what belongs to the process: signals
// end ctx, and the result is the exit status.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	t := &tool{environ: environ, stdout: stdout, stderr: stderr, isTerminal: isTerminal, hangups: hangups}
	return t.run(ctx, args)
}

func (t *tool) run(ctx context.Context, args []string) int {
	t.environ, t.password = withoutPassword(t.environ)
	root := t.root()
	root.SetArgs(args)
	help := &remembering{w: t.stdout}
	root.SetOut(help)
	cmd, err := root.ExecuteContextC(ctx)
	if help.err != nil {
		err = written(help.err)
	} else if err != nil && !t.running {
		err = usage(err) // what cobra itself has to say is about the call
	}
	switch {
	case err == nil, errors.Is(err, errReaderGone):
		return exitDone
	case errors.Is(err, errInterrupted): // whoever did it knows
	case exitStatus(err) == exitUsage:
		fmt.Fprintf(t.stderr, "calwatch: %s\nRun '%s --help' for how it is used.\n", plain(err.Error()), cmd.CommandPath())
	default:
		fmt.Fprintf(t.stderr, "calwatch: %s\n", plain(err.Error()))
	}
	return exitStatus(err)
}

func (t *tool) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "calwatch",
		Short: "Live changes of Outlook and Exchange mailboxes",
		Long: `calwatch prints what changes in Outlook and Exchange mailboxes - calendar, mail,
contacts, tasks - live, over one outbound connection.

Events go to standard output: lines for people on a terminal, JSON lines
otherwise. Everything else goes to standard error.

Every flag can be set by an environment variable, which its description names;
a flag on the command line wins.

Exit status: 0 done, or stopped by a signal; 1 failure; 2 wrong usage;
3 somebody has to sign in; 4 a permission is missing.`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetErr(t.stderr)
	root.AddCommand(t.watchCommand(), t.loginCommand(), t.logoutCommand(), t.accountsCommand(),
		t.demoCommand(), t.fakeserverCommand(), t.versionCommand())
	return root
}

// command makes a command of run, which is called when the call is right and
// the environment has been looked at.
func (t *tool) command(cmd *cobra.Command, flags *flags, run func(ctx context.Context, args []string) error) *cobra.Command {
	flags.hideDefaults()
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := flags.fromEnvironment(t.environ); err != nil {
			return err
		}
		t.running = true
		return run(cmd.Context(), args)
	}
	return cmd
}

// env returns the value of an environment variable, or "".
func (t *tool) env(name string) string {
	value, _ := lookupEnv(t.environ, name)
	return value
}

// lookupEnv lets the last of several win, as package os/exec does.
func lookupEnv(environ []string, name string) (value string, found bool) {
	for _, entry := range environ {
		if n, v, ok := strings.Cut(entry, "="); ok && sameVariable(n, name) {
			value, found = v, true
		}
	}
	return value, found
}

func sameVariable(a, b string) bool {
	return a == b || runtime.GOOS == "windows" && strings.EqualFold(a, b)
}
