package ews

import (
	"errors"
	"slices"
)

// versions are what a RequestServerVersion may be without the caller's having
// chosen it, the latest first. There are no streams before the last.
var versions = [...]string{defaultVersion, "Exchange2013", "Exchange2010_SP2", "Exchange2010_SP1"}

// stepDown makes later requests name the version before used, if err says that
// the server does not know that one. What the caller has chosen stays.
func (c *Client) stepDown(used *string, err error) {
	if c.opts.Version != defaultVersion || !errors.Is(err, ErrVersion) {
		return
	}
	if i := slices.Index(versions[:], *used); i >= 0 && i+1 < len(versions) {
		if failure, ok := errors.AsType[*Error](err); ok {
			failure.again = true
		}
		c.version.CompareAndSwap(used, &versions[i+1]) // one step, however many requests were under way
	}
}
