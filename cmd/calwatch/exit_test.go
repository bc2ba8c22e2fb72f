package main

import (
	"errors"
	"fmt"
	"testing"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

func TestTheExitStatusOfAnErrorThatHasSeveralCauses(t *testing.T) {
	for _, test := range []struct {
		err  error
		want int
	}{
		{nil, exitDone},
		{errors.New("x"), exitFailure},
		{auth.ErrInteractionRequired, exitSignIn},
		{outlookstream.ErrUnauthorized, exitSignIn},
		// A token was refused, and the next one cannot be had as things are set up.
		{fmt.Errorf("%w (%w)", auth.ErrMisconfigured, outlookstream.ErrUnauthorized), exitFailure},
		{fmt.Errorf("%w (%w)", auth.ErrInteractionRequired, outlookstream.ErrUnauthorized), exitSignIn},
		{usage(auth.ErrMisconfigured), exitUsage},
	} {
		if got := exitStatus(test.err); got != test.want {
			t.Errorf("%v: exit status %d, want %d", test.err, got, test.want)
		}
	}
}
