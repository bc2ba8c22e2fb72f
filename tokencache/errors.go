package tokencache

import (
	"errors"
	"fmt"
	"strings"
)

// The errors to test for with errors.Is. None of them, nor any other error of this package, shows a token or a key.
var (
	// ErrNoKey: no key source has a key. What is left is a cache in memory, that is, MSAL without an accessor.
	ErrNoKey = errors.New("no key for the token cache")

	// ErrWrongKey: the directory was written with another key. Nothing in it was touched.
	ErrWrongKey = errors.New("wrong key")

	// ErrDamaged: a file is not what was written; see [OnDamaged].
	ErrDamaged = errors.New("damaged file")

	// ErrUnsafe: a directory or file belongs to somebody else, is open to others, or is a link. The text says what to run.
	ErrUnsafe = errors.New("not safe to use")
)

// refuse says what is wrong with a directory or file, and what puts it right.
func refuse(path, wrong, remedy string) error {
	return fmt.Errorf("tokencache: %s %s; %s: %w", path, wrong, remedy, ErrUnsafe)
}

// command is what to type into a shell to run something.
func command(words ...string) string {
	for i, word := range words {
		if strings.ContainsFunc(word, isSpecial) {
			words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return `run "` + strings.Join(words, " ") + `"`
}

// isSpecial tells the characters that a shell may take for something else than themselves.
func isSpecial(r rune) bool {
	return r <= ' ' || strings.ContainsRune("\"'`$&|;<>()[]{}*?!#~\\", r)
}
