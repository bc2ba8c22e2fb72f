package tokencache

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The errors to test for with errors.Is. None of them, nor any other error of this package, shows a token or a key.
var (
	// ErrNoKey: no key source has a key. What is left is a cache in memory, that is, MSAL without an accessor. If something is stored in
	// the directory, it is ErrWrongKey, too.
	ErrNoKey = errors.New("no key for the token cache")

	// ErrWrongKey: the directory was written with another key than is there now. Nothing in it was touched.
	ErrWrongKey = errors.New("wrong key")

	// ErrDamaged: a file is not what was written; see [OnDamaged].
	ErrDamaged = errors.New("damaged file")

	// ErrUnsafe: a directory or file belongs to somebody else, is open to others, or is a link. The text says what
	// to do.
	ErrUnsafe = errors.New("not safe to use")
)

// refuse says what is wrong with a directory or file, and what puts it right.
func refuse(path, wrong, remedy string) error {
	return fmt.Errorf("tokencache: %w: %s %s: %s", ErrUnsafe, path, wrong, remedy)
}

// closing is the remedy for what is open to others.
func closing(mode, path string) string {
	return "if nobody can have read or changed it, " + command("chmod", mode, path)
}

// join is errors.Join for errors that end up in one line.
func join(errs ...error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return errs[0]
	default:
		return &several{errs}
	}
}

type several struct{ errs []error }

func (s *several) Error() string {
	texts := make([]string, len(s.errs))
	for i, err := range s.errs {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

func (s *several) Unwrap() []error { return s.errs }

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
