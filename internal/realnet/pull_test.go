//go:build realnet && linux

package realnet

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// pullFaults are of proxies through which no stream gets: over Exchange Web
// Services there is another way.
var pullFaults = []fault{
	{
		name:      "nginx buffers (`proxy_buffering on`) and withholds even the header: the watch asks instead (pull)",
		protocols: []string{"ews"}, proxy: buffering, pace: 10 * time.Second,
		says: "a proxy that holds back responses", own: (*fault).pulled,
	},
	{
		name:      "the same, and more happens, so that it passes streams on in lumps: pull, later",
		protocols: []string{"ews"}, proxy: buffering, mayEnd: 10,
		says: "the connection was silent for too long", own: (*fault).pulled,
	},
	{
		name:      "a proxy that withholds the whole response: pull",
		protocols: []string{"ews", "ews2"}, withhold: "all",
		says: "a proxy that holds back responses", own: (*fault).pulled,
	},
	{
		name:      "a proxy that passes the header on and withholds the body: pull",
		protocols: []string{"ews", "ews2"}, withhold: "body",
		says: "the connection was silent for too long", own: (*fault).pulled,
	},
	{
		name:      "the same, and packets dropped both ways for 25 s",
		protocols: []string{"ews"}, withhold: "body",
		says:  "the connection was silent for too long",
		begin: dropAll, lasts: 25 * time.Second, end: passAll,
		own: (*fault).pulled,
	},
	{
		name:      "the same, and the server killed (SIGKILL), started again after 10 s, all forgotten",
		protocols: []string{"ews"}, withhold: "body",
		says:  "the connection was silent for too long",
		begin: func(w *world) { w.server().kill() }, lasts: 10 * time.Second, end: (*world).restart,
		own: (*fault).pulled, reason: "ErrResubscribed",
	},
}

// pulled is the course of a watch to which no stream gets through: it finds out,
// says so, and asks. What strikes then, if anything does, it survives.
func (f *fault) pulled(w *world) row {
	stop := w.keepChanging(cmp.Or(f.pace, 2*time.Second))
	start := time.Now()
	pulling := w.client.await(w.t, 8*f.idleLimit()+patience, "pull", func(r record) bool { return r.What == whatPulling })
	if !strings.Contains(pulling.Err, f.says) {
		w.t.Errorf("a person would not understand %q", pulling.Err)
	}
	for _, resource := range w.watched() {
		w.client.await(w.t, patience, "the Resync of "+resource, func(r record) bool {
			return r.What == whatEvent && r.Resource == resource && r.Reason == "ErrPulling"
		})
	}
	w.delivered()
	note := fmt.Sprintf("pulling after %s | – | –", seconds(pulling.At.Sub(start)))
	if f.begin != nil {
		struck := time.Now()
		f.begin(w)
		w.lets(f.lasts)
		f.end(w)
		back := time.Now()
		w.delivered()
		note = fmt.Sprintf("pulling after %s | %s | –", seconds(pulling.At.Sub(start)), seconds(f.checkAsked(w, back)))
		if f.reason != "" {
			f.checkSaw(w, struck)
		}
	}
	stop()
	w.delivered()
	if live, ok := first(w.client.all(), whatLive); ok && f.mayEnd == 0 {
		w.t.Errorf("it called a stream live, at %v", live.At)
	}
	saw := reasons(w.client.all())
	if n := len(w.watched()); count(saw, "ErrPulling") != n {
		w.t.Errorf("the caller saw %q, want ErrPulling %d times", saw, n)
	}
	return row{note: note, saw: saw, verdict: w.account()}
}

// checkAsked returns how long it took until the service answered again.
func (f *fault) checkAsked(w *world, back time.Time) time.Duration {
	w.t.Helper()
	all := since(w.client.all(), back)
	i := slices.IndexFunc(all, func(r record) bool {
		return r.What == whatAnswered && r.Op == "GetEvents" && r.Status == 200 && r.Err == ""
	})
	if i < 0 {
		w.t.Errorf("nothing was answered after the path was back")
		return 0
	}
	return all[i].At.Sub(back)
}

func count(list []string, text string) (n int) {
	for _, s := range list {
		if s == text {
			n++
		}
	}
	return n
}
