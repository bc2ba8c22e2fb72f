package auth

import (
	"context"
	"fmt"
	"runtime"
	"strings"
)

// call is p.Token, with a panic in it made an error.
func call(ctx context.Context, p Provider, r Request) (tok Token, err error) {
	defer func() {
		if v := recover(); v != nil {
			tok, err = Token{}, panicError(v)
		}
	}()
	return p.Token(ctx, r)
}

// panicError describes a panic by its type and place. Its text may hold anything, so it is shown only if the runtime made it.
func panicError(v any) error {
	what := fmt.Sprintf("%T", v)
	if err, ok := v.(runtime.Error); ok {
		what = err.Error()
	}
	return fmt.Errorf("auth: the provider panicked at %s: %s", panicSite(), what)
}

// panicSite is the innermost function outside the runtime that is on the stack above the panic.
func panicSite() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	panicked := false
	for {
		frame, more := frames.Next()
		inRuntime := strings.HasPrefix(frame.Function, "runtime.")
		if panicked && !inRuntime {
			return fmt.Sprintf("%s, line %d", frame.Function, frame.Line)
		}
		panicked = panicked || frame.Function == "runtime.gopanic"
		if !more {
			return "an unknown place"
		}
	}
}
