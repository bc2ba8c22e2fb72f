package wire

import (
	"sync"
	"sync/atomic"
	"time"
)

// A meter counts the elements of all streams, and takes what they cost.
type meter struct {
	config clientConfig
	ticks  clock
	began  time.Time
	seen   atomic.Int64
	digest digest

	mu      sync.Mutex // the first and the last may come on different streams
	skipped int64      // 0: not started
	started time.Time
	before  time.Duration
	result  clientResult
}

func newMeter(c clientConfig) (*meter, error) {
	ticks, err := newClock()
	return &meter{config: c, ticks: ticks, began: time.Now()}, err
}

// every is how often a meter looks at the clock: looking costs as much as a
// twentieth of reading a small element.
const every = 16

// each is what is done for every element. It returns errEnough at the last.
// What Arrivals and Digest ask for is for one stream only.
func (m *meter) each(element any) error {
	n := m.seen.Add(1)
	if m.config.Arrivals {
		m.result.Arrivals = append(m.result.Arrivals, m.ticks.now())
	}
	if m.config.Digest {
		if err := m.digest.add(element); err != nil {
			return err
		}
	}
	if m.config.Count > 0 {
		switch n {
		case int64(m.config.Warm):
			return m.start(n)
		case int64(m.config.Warm + m.config.Count):
			return m.stop(n)
		}
		return nil
	}
	if n < int64(m.config.Warm) || n%every != 0 {
		return nil
	}
	switch {
	case m.skipped == 0 && time.Since(m.began) >= m.config.For/4:
		return m.start(n)
	case m.skipped > 0 && time.Since(m.started) >= m.config.For:
		return m.stop(n)
	}
	return nil
}

func (m *meter) start(n int64) (err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.skipped = n
	m.before, err = cpu()
	m.started = time.Now()
	return err
}

func (m *meter) stop(n int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.result.Took = time.Since(m.started)
	after, err := cpu()
	if err != nil {
		return err
	}
	m.result.CPU = after - m.before
	m.result.Elements = int(n - m.skipped)
	m.result.Digest = m.digest.sum
	return errEnough
}
