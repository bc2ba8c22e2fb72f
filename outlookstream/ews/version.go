package ews

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
)

// versions are what a RequestServerVersion may be without the caller's having
// chosen it, the latest first.
var versions = [...]string{defaultVersion, "Exchange2013", "Exchange2010_SP2", streamsSince, "Exchange2010", "Exchange2007_SP1"}

const (
	// streamsSince is the first version with streams, and with FreeBusyChangedEvent.
	streamsSince = "Exchange2010_SP1"
	streams      = "streams"
	// allFoldersSince is the first version with SubscribeToAllFolders.
	allFoldersSince = "Exchange2010"
)

// oldVersions are all before streamsSince, the earliest first.
var oldVersions = []string{"Exchange2007", "Exchange2007_SP1", "Exchange2009", "Exchange2010"}

// isBefore reports whether version is older than what some feature came with.
func isBefore(version, since string) bool {
	i, limit := slices.Index(oldVersions, version), slices.Index(oldVersions, since)
	return i >= 0 && (limit < 0 || i < limit)
}

// A versionError is ErrVersion of what the version in use does not have.
type versionError string

func (e versionError) Error() string { return string(e) }

func (e versionError) Unwrap() error { return ErrVersion }

// isUnspeakable reports whether an error says that what was wanted is not in the
// version.
func isUnspeakable(err error) bool {
	_, is := errors.AsType[versionError](err)
	return is
}

// spoken is the version that requests to each server name: an old one must not
// make the others be taken for old.
type spoken struct {
	mu    sync.Mutex
	byURL map[string]*atomic.Pointer[string]
}

// versionAt returns what all Sessions of the server at u share.
func (c *Client) versionAt(u *url.URL) *atomic.Pointer[string] {
	c.spoken.mu.Lock()
	defer c.spoken.mu.Unlock()
	key := u.String()
	if c.spoken.byURL[key] == nil {
		version := new(atomic.Pointer[string])
		version.Store(&c.opts.Version)
		c.spoken.byURL[key] = version
	}
	return c.spoken.byURL[key]
}

// chosen reports whether the caller has said which version it is to be.
func (c *Client) chosen() bool { return c.opts.Version != defaultVersion }

// stepDown makes later requests to the server name the version before used, if
// err says that the server does not know that one. What the caller has chosen
// stays.
func (s *Session) stepDown(used *string, err error) {
	if s.client.chosen() || !errors.Is(err, ErrVersion) {
		return
	}
	if i := slices.Index(versions[:], *used); i >= 0 && i+1 < len(versions) {
		if failure, ok := errors.AsType[*Error](err); ok {
			failure.again = true
		}
		s.version.CompareAndSwap(used, &versions[i+1]) // one step, however many requests were under way
	}
}

// lacks returns why there is nothing in the version in use that came with since;
// nil if there is. what says what that is.
func (c *Client) lacks(version, since, what string) error {
	switch {
	case !isBefore(version, since):
		return nil
	case c.chosen():
		return versionError(fmt.Sprintf("%s came with %s, and Options.Version is %s", what, since, version))
	default:
		return versionError(fmt.Sprintf("%s came with %s, and the server speaks %s at most", what, since, version))
	}
}

// since returns what a request names for what came with a version. A server that
// was too old for it may have been upgraded, so it is asked for all the same; not
// if the caller has chosen the version.
func (s *Session) since(since, what string) (*string, error) {
	version := s.version.Load()
	err := s.client.lacks(*version, since, what)
	switch {
	case err == nil:
		return version, nil
	case s.client.chosen():
		return nil, err
	default:
		return &versions[slices.Index(versions[:], since)], nil
	}
}

// upgraded takes note that the server has done what an old one cannot.
func (s *Session) upgraded(to *string) {
	if now := s.version.Load(); isBefore(*now, *to) {
		s.version.CompareAndSwap(now, to)
	}
}
