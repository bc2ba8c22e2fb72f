package main

import (
	"path/filepath"
	"slices"
	"strings"
)

// A loginCall is what "calwatch login" has to be called with so that a watch
// that was called with these flags can go on.
type loginCall struct {
	flags *flags
	paths []string // what is watched; none: the default
}

// command returns the call, as it is typed into a shell. Variables count as
// flags: they may not be set where that is.
func (l loginCall) command(account string) string {
	words := []string{"calwatch", "login"}
	add := func(name, value string) { words = append(words, "--"+name, quoted(value)) }
	if account != "" {
		add("account", account)
	}
	for _, name := range []string{
		"api", "client-id", "authority", "tenant", "scope", "ca-file", "cache-dir", "cache-key", "cache-key-file",
	} {
		flag := l.flags.cmd.Flags().Lookup(name)
		if !flag.Changed {
			continue
		}
		value := flag.Value.String()
		if list, ok := flag.Value.(interface{ GetSlice() []string }); ok {
			value = strings.Join(list.GetSlice(), ",")
		}
		if path, err := filepath.Abs(value); err == nil && slices.Contains([]string{"ca-file", "cache-dir", "cache-key-file"}, name) {
			value = path
		}
		add(name, value)
	}
	for _, path := range l.paths {
		words = append(words, quoted(path))
	}
	return strings.Join(words, " ")
}

// quoted returns a word so that a shell leaves it as it is.
func quoted(word string) string {
	const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@,%+="
	if word != "" && strings.Trim(word, safe) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
