package ews

import (
	"io"
	"time"
)

// arrivals notes when bytes come.
type arrivals struct {
	r     io.Reader
	first func() // called at the first byte
	last  time.Time
}

func (a *arrivals) Read(p []byte) (int, error) {
	n, err := a.r.Read(p)
	if n > 0 {
		a.last = time.Now()
		if a.first != nil {
			a.first()
			a.first = nil
		}
	}
	return n, err
}
