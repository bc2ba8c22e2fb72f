//go:build realnet && linux

package realnet

import (
	"strings"
	"time"
)

// Buffers larger than all that is streamed until the client gives up. The
// worker that withholds is gone 2 s after a reload.
const buffering = "worker_shutdown_timeout 2s;\n---\nproxy_buffering on; proxy_buffer_size 64k; proxy_buffers 8 64k; proxy_busy_buffers_size 128k;"

var proxyBufferFaults = []fault{
	{
		name:  "nginx buffers (`proxy_buffering on`): over HTTP/1.1 it withholds even the header, for 50 s; reloaded with `off`",
		proxy: buffering, protocols: []string{"h1"}, lasts: 50 * time.Second,
		end:  func(w *world) { w.proxy.reload(w.t, unbuffered) },
		says: "a proxy that holds back responses", own: (*fault).heldBack,
	},
	{
		name:  "nginx buffers (`proxy_buffering on`): over HTTP/2 it passes on what comes",
		proxy: buffering, protocols: []string{"h2", "ews2"}, lasts: 30 * time.Second,
		pace: 5 * time.Second,
		own:  (*fault).livesOn,
	},
	{
		name:     "a proxy that withholds the whole response, for 50 s",
		withhold: "all", protocols: restOnly, lasts: 50 * time.Second, end: func(w *world) { w.tell("pass on") },
		says: "a proxy that holds back responses", own: (*fault).heldBack,
	},
	{
		name:     "a proxy that passes the header on and withholds the body, for 50 s",
		withhold: "body", protocols: restOnly, lasts: 50 * time.Second, end: func(w *world) { w.tell("pass on") },
		says: "the connection was silent for too long", own: (*fault).heldBack,
	},
}

// heldBack is the course of a proxy that passes no stream on: the client must
// not take what it gets for one.
func (f *fault) heldBack(w *world) row {
	stop := w.keepChanging(2 * time.Second)
	start := time.Now()
	w.lets(f.lasts)
	f.end(w)
	back := time.Now()
	live := w.client.await(w.t, time.Minute+patience, "a stream", func(r record) bool { return r.What == whatLive })
	if live.At.Before(back) {
		w.t.Fatalf("it called itself live %v before anything was passed on", back.Sub(live.At))
	}
	w.lets(time.Second)
	stop()
	w.delivered()

	var waits []record
	for _, r := range w.client.all() {
		if r.What == whatWaiting && r.At.Before(live.At) {
			waits = append(waits, r)
			if !strings.Contains(r.Err, f.says) && r.At.Before(back) {
				w.t.Errorf("a person would not understand %q", r.Err)
			}
		}
	}
	if most := int(f.lasts/f.idleLimit()) + 2; len(waits) == 0 || len(waits) > most {
		w.t.Fatalf("%d attempts in %v, want 1 to %d", len(waits), f.lasts, most)
	}
	w.t.Logf("the first of %d failures: %s", len(waits), waits[0].Err)
	r := f.checkReturn(w, start, back, live.At)
	r.detected, r.saw, r.verdict = waits[0].At.Sub(start), reasons(w.client.all()), w.account()
	return r
}
