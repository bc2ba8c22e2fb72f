package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

// tokenCommand is an auth.Provider that runs a program, which prints a token.
type tokenCommand struct{ *secretCommand }

func newTokenCommand(ctx context.Context, line string, environ []string, stderr io.Writer) (*tokenCommand, error) {
	command, err := newSecretCommand(ctx, "token", line, environ, stderr)
	if err != nil {
		return nil, err
	}
	return &tokenCommand{command}, nil
}

// refused adds to an error what this provider's part in it is, if the token was
// refused and there was no other.
func (t *tokenCommand) refused(err error) error {
	if !errors.Is(err, auth.ErrRejected) {
		return err
	}
	return fmt.Errorf("the token command printed the refused token again: %w", err)
}

// Token implements auth.Provider. Errors never hold what the command printed,
// nor its arguments.
func (t *tokenCommand) Token(ctx context.Context, _ auth.Request) (auth.Token, error) {
	value, err := t.run(ctx)
	if err != nil {
		return auth.Token{}, err
	}
	if what := unfit(value); what != "" {
		return auth.Token{}, fmt.Errorf("%w: %v: it printed %s", auth.ErrMisconfigured, t.secretCommand, what)
	}
	return auth.Token{Value: value}, nil
}
