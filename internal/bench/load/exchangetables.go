package load

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/calwatch/calwatch/internal/bench/results"
)

// counted lists counts, the largest first.
func counted(of map[string]int) string {
	if len(of) == 0 {
		return "none"
	}
	names := slices.SortedFunc(maps.Keys(of), func(a, b string) int { return cmp.Or(cmp.Compare(of[b], of[a]), cmp.Compare(a, b)) })
	var all []string
	for _, name := range names {
		all = append(all, fmt.Sprintf("%d %s", of[name], name))
	}
	return strings.Join(all, ", ")
}

func startTable(all []watched, groups int) results.Table {
	t := results.Table{
		Title: fmt.Sprintf("One watch over mailboxes in %d groups: until all are live", groups),
		Note: "From the call of Watch to the Resync of the last mailbox. Autodiscover says who can share a stream. Calls and connections as the server saw them; " +
			"each mailbox needs one Subscribe, each group one stream, and Autodiscover is asked about a hundred at a time. CPU of the client.",
		Columns: []string{"mailboxes", "all live after", "CPU", "calls", "streams", "connections dialled"},
	}
	for _, w := range all {
		t.Rows = append(t.Rows, []string{fmt.Sprint(w.mailboxes), fmt.Sprintf("%.2f s", w.start.Seconds()), fmt.Sprintf("%.2f s", w.startCPU.Seconds()), counted(w.calls),
			fmt.Sprint(w.streams), fmt.Sprint(w.dialled)})
	}
	return t
}

func heldTable(all []watched) results.Table {
	t := results.Table{
		Title: "What they hold in the client's process then",
		Note: "Beyond what the process had before it watched, after garbage collection; the mailbox's name and folders in the caller's own hands are not in it. " +
			"The last column is what one more mailbox adds, from the row before to this one: the streams are the same.",
		Columns: []string{"mailboxes", "RSS", "heap", "stacks", "goroutines", "connections", "for each: RSS", "heap", "goroutines", "one more: RSS", "heap"},
	}
	for i, w := range all {
		more, moreHeap := "–", "–"
		if i > 0 {
			n := float64(w.mailboxes - all[i-1].mailboxes)
			more = bytesText(float64(w.total.RSS-all[i-1].total.RSS) / n)
			moreHeap = bytesText(float64(w.total.Heap-all[i-1].total.Heap) / n)
		}
		t.Rows = append(t.Rows, []string{fmt.Sprint(w.mailboxes), bytesText(float64(w.total.RSS)), bytesText(float64(w.total.Heap)), bytesText(float64(w.total.Stack)),
			fmt.Sprint(w.goroutines), fmt.Sprint(w.open), bytesText(w.held.rss), bytesText(w.held.heap), fmt.Sprintf("%.3f", w.held.goroutines), more, moreHeap})
	}
	return t
}

func lossTable(all []watched) results.Table {
	t := results.Table{
		Title: "One server lost: its streams are cut off, its subscriptions are gone, another takes its mailboxes",
		Note: fmt.Sprintf("From the loss to the Resync of the last mailbox of the group that was on it. %d changes a second are made before and meanwhile; the last column is of all that were made "+
			"since all were live. Each mailbox needs a new subscription; one GetStreamingEvents is told that they are gone, the next listens to the new ones.", stormChanges),
		Columns: []string{"mailboxes", "of them on the server", "all live again after", "CPU", "calls", "connections dialled", "announced", "others disturbed",
			"changes made / delivered / announced / lost silently"},
	}
	for _, w := range all {
		t.Rows = append(t.Rows, []string{fmt.Sprint(w.mailboxes), fmt.Sprint(w.lost), fmt.Sprintf("%.2f s", w.back.Seconds()), fmt.Sprintf("%.2f s", w.backCPU.Seconds()),
			counted(w.backCalls), fmt.Sprint(w.backDials), counted(w.announced), fmt.Sprint(w.disturbed), w.verdict.String()})
	}
	return t
}

func workTable(all []watched, longest time.Duration) results.Table {
	t := results.Table{
		Title: fmt.Sprintf("%d changes a second over all mailboxes, for %v (a third of it where there are fewer mailboxes)", exchangeChanges, longest),
		Note: fmt.Sprintf("Each is a new item in a calendar, of which the service makes %d events. CPU of the client, user and system, beyond what it takes without changes. "+
			"The time is from the server's write to the caller's loop, of the first of the events, between two processes on the same processors.", eventsOfChange),
		Columns: []string{"mailboxes", "CPU without changes, of a second", "CPU of a change", "of an event", "changes", "p50", "p90", "p99", "max"},
	}
	for _, w := range all {
		row := []string{fmt.Sprint(w.mailboxes), fmt.Sprintf("%.4f s", w.idle), microseconds(w.perChange), microseconds(w.perChange / eventsOfChange), fmt.Sprint(len(w.latencies))}
		for _, q := range []float64{0.5, 0.9, 0.99, 1} {
			row = append(row, microseconds(quantile(w.latencies, q)))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
