package service

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// MaxRetryAfter bounds how long a service can ask to wait: a watch that it
// could silence for ever would be dead in all but name.
const MaxRetryAfter = time.Hour

// RetryAfter reads both forms of the header, seconds and a date. What
// cannot be read, and what is in the past, counts as not sent.
func RetryAfter(value string, now time.Time) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		wait = time.Duration(max(0, min(seconds, int64(MaxRetryAfter/time.Second)))) * time.Second
	} else if date, err := http.ParseTime(value); err == nil {
		wait = date.Sub(now)
	}
	return max(0, min(wait, MaxRetryAfter))
}
