package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

const (
	// clientCloseTime is for a renewal that is under way when the program ends.
	clientCloseTime = 10 * time.Second
	// clientCloseQuiet is how long nothing is said of it.
	clientCloseQuiet = 200 * time.Millisecond
)

// closeClient waits until what a renewal brings is stored: it has used up the
// refresh token that is. It returns an error if tokens are lost that could not
// be stored.
func closeClient(s *session, c *msalauth.Client) error {
	ctx, cancel := context.WithTimeout(context.Background(), clientCloseTime)
	defer cancel()
	closed := make(chan error, 1)
	go func() { closed <- c.Close(ctx) }()
	var err error
	select {
	case err = <-closed:
	case <-time.After(clientCloseQuiet):
		s.console.setStatus("")
		fmt.Fprintf(s.console, "calwatch: waiting up to %.0f s for a renewal of tokens; Ctrl-C again ends it now\n", clientCloseTime.Seconds())
		err = <-closed
	}
	if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		s.log.Warn("a renewal of tokens is still under way and will not be stored: somebody may have to sign in again")
		return nil
	}
	return err
}

// closeOrWarn is closeClient at the end of a watch. who is to sign in again if
// that is needed, lost why the last attempt to store something failed.
func closeOrWarn(s *session, c *msalauth.Client, k *kept, who string, lost *storeErrors) {
	if closeClient(s, c) == nil || k.store == nil {
		return
	}
	fmt.Fprintf(s.console, "calwatch: the tokens of %s could not be stored and are lost with this process: %s and run calwatch login --account %s\n",
		plain(who), plain(remedy(lost.last(), k.store.Dir())), plain(quoted(who)))
}

// remedy says what to do about an error of storing in a directory.
func remedy(err error, dir string) string {
	if err == nil || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return "make room in " + dir
	}
	return fmt.Sprintf("see to %s (%v)", dir, err)
}
