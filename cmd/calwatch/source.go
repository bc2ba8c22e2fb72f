package main

import (
	"context"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// A source is what a watch gets its events from.
type source interface {
	// scopes returns the permissions that tokens for it need. Its errors are
	// about what is to be watched.
	scopes() ([]string, error)
	// events returns what happens there, with tokens of provider, which is nil
	// where no tokens are used. Its errors are about how it was called.
	events(ctx context.Context, provider auth.Provider) (outlookstream.Events, error)
}
