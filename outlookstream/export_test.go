package outlookstream

import (
	"time"

	"github.com/calwatch/calwatch/internal/reconnect"
)

// SetElementTime changes how long one element may take, for tests that cannot
// run in virtual time: in it, a server that never waits makes time stand still.
func (c *Client) SetElementTime(d time.Duration) {
	c.elementTime = d
	c.watchdog = reconnect.NewWatchdog(c.opts.idleLimit(), d)
}
