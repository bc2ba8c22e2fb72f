package main

import (
	"io"

	"github.com/spf13/cobra"
)

// completeAccounts lets a shell complete --account.
func (t *tool) completeAccounts(f *flags, cache *cacheFlags) {
	_ = f.cmd.RegisterFlagCompletionFunc("account", t.accountNames(f, cache)) // the flag is there
}

// completeWords lets a shell complete the value of a flag that takes one of a
// few words.
func completeWords(cmd *cobra.Command, flag string, words []string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
}

// accountNames returns what completes the name of an account that is signed in.
func (t *tool) accountNames(f *flags, cache *cacheFlags) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		quiet := &tool{environ: t.environ, stdout: io.Discard, stderr: io.Discard, isTerminal: func(any) bool { return false }}
		s, err := quiet.newSession(cmd.Context(), nil, &logFlags{})
		if err != nil || f.fromEnvironment(t.environ) != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer s.close()
		k, err := cache.load(s, true)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer k.close()
		var names []string
		for _, account := range k.accounts {
			names = append(names, nameOf(account.Account))
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
