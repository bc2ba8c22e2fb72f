package main

import (
	"fmt"
	"strings"

	"github.com/calwatch/calwatch/internal/bench/data"
	"github.com/calwatch/calwatch/internal/bench/micro"
	"github.com/calwatch/calwatch/internal/bench/results"
)

// cell writes one figure of a contestant; "–" if there is none.
type cell func(name string) string

// micro are the tables of the benchmarks in memory.
func (all stock) micro() []results.Table {
	const sign = "*: is given the elements one after another, without the document around them, which is an easier job."
	var tables []results.Table
	for _, task := range []struct {
		task  micro.Task
		title string
	}{
		{micro.Notification, "Bytes to an owned notification"},
		{micro.Frame, "Framing alone"},
	} {
		for _, reads := range []string{"16k", "whole", "1400"} {
			if reads == "16k" {
				tables = append(tables, all.contest(task.task, reads, task.title+", reads of 16 KiB: time for an element", sign, all.took),
					all.contest(task.task, reads, "Memory: bytes and allocations for an element", "", all.allocated))
			}
			title := map[string]string{"16k": "reads of 16 KiB", "whole": "a read for each element", "1400": "reads of 1,400 bytes"}[reads]
			tables = append(tables, all.contest(task.task, reads, task.title+", "+title+": how many times as long as calwatch it takes", "", func(name string) string {
				return all.ratio(name, name[:strings.LastIndexByte(name, '.')+1]+micro.Ours+".ns")
			}))
		}
	}
	return append(tables, all.watching(), all.limits(), all.smallReads(), all.otherImplementation())
}

// contest has a row for each contestant, and a column for each kind.
func (all stock) contest(task micro.Task, reads, title, note string, write cell) results.Table {
	t := results.Table{Title: title, Note: note, Columns: columns("")}
	for _, c := range micro.Contestants() {
		if c.Task != task {
			continue
		}
		name := c.Name
		if c.Concatenated {
			name += "*"
		}
		all.row(&t, name, func(kind data.Kind) string { return write(fmt.Sprintf("micro.%s.%v.%s.%s", task, kind, reads, c.Name)) })
	}
	return t
}

func columns(first string) []string {
	names := []string{first}
	for _, kind := range data.Kinds() {
		names = append(names, kind.String())
	}
	return names
}

// row adds a row, unless nothing in it was measured.
func (all stock) row(t *results.Table, name string, write func(data.Kind) string) {
	cells, measured := []string{name}, false
	for _, kind := range data.Kinds() {
		text := write(kind)
		measured = measured || text != "–"
		cells = append(cells, text)
	}
	if measured {
		t.Rows = append(t.Rows, cells)
	}
}

func (all stock) took(name string) string {
	ns, ok := all.values[name+".ns"]
	if !ok {
		return "–"
	}
	text := duration(ns)
	if spread, ok := all.values[name+".spread"]; ok {
		text += fmt.Sprintf(" +%.0f%%", 100*spread)
	}
	return text
}

func duration(ns float64) string {
	switch {
	case ns < 1e3:
		return fmt.Sprintf("%.3g ns", ns)
	case ns < 1e6:
		return fmt.Sprintf("%.3g µs", ns/1e3)
	case ns < 1e9:
		return fmt.Sprintf("%.3g ms", ns/1e6)
	default:
		return fmt.Sprintf("%.3g s", ns/1e9)
	}
}

func (all stock) allocated(name string) string {
	bytes, ok := all.values[name+".bytes"]
	if !ok {
		return "–"
	}
	return fmt.Sprintf("%.0f B, %.0f", bytes, all.values[name+".allocs"])
}

// ratio of a time and another, which is named in full.
func (all stock) ratio(name, base string) string {
	ns, ok := all.values[name+".ns"]
	if under := all.values[base]; ok && under > 0 {
		return fmt.Sprintf("%.3gx", ns/under)
	}
	return "–"
}

func (all stock) watching() results.Table {
	t := results.Table{
		Title:   "Through the loop over Watch, reads of 16 KiB",
		Note:    "A keep-alive does not reach the loop's body: 999 of them and a change are measured, for each of them all. Of the others, a change for each element.",
		Columns: columns(""),
	}
	name := func(kind data.Kind) string { return fmt.Sprintf("micro.watch.%v.16k.%s", kind, micro.Ours) }
	all.row(&t, "time", func(kind data.Kind) string { return all.took(name(kind)) })
	all.row(&t, "memory", func(kind data.Kind) string { return all.allocated(name(kind)) })
	all.row(&t, "encoding/json takes", func(kind data.Kind) string {
		return all.ratio(fmt.Sprintf("micro.notification.%v.16k.encoding-json", kind), name(kind)+".ns")
	})
	return t
}

func (all stock) limits() results.Table {
	t := results.Table{
		Title:   "Limits of the machine",
		Note:    "What is done to the bytes of an element, and nothing else.",
		Columns: columns(""),
	}
	for _, limit := range []struct{ name, what string }{
		{"whole.reader", "the measurements' own reader"}, {"whole.memcpy", "copying"}, {"whole.indexbyte-absent", "`bytes.IndexByte`, absent"},
		{"whole.allocate-and-copy", "allocating and copying"},
	} {
		all.row(&t, limit.what, func(kind data.Kind) string { return all.took(fmt.Sprintf("micro.limit.%v.%s", kind, limit.name)) })
	}
	return t
}

func (all stock) smallReads() results.Table {
	t := results.Table{Title: "Small reads, 70 KB event", Note: "How many times as long as with reads of 16 KiB.", Columns: []string{"", "64 bytes", "1 byte"}}
	for _, task := range []micro.Task{micro.Notification, micro.Frame} {
		for _, c := range []string{micro.Ours, "encoding-json"} {
			base := fmt.Sprintf("micro.%s.rich70k.16k.%s.ns", task, c)
			row := []string{fmt.Sprintf("%s, %s", c, task)}
			for _, size := range []string{"64", "1"} {
				row = append(row, all.ratio(fmt.Sprintf("micro.%s.rich70k.%s.%s", task, size, c), base))
			}
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}

func (all stock) otherImplementation() results.Table {
	t := results.Table{
		Title:   "With GOEXPERIMENT=jsonv2, reads of 16 KiB: time for an element",
		Note:    "A build of its own, in the same passes: `encoding/json` has the new implementation under it then, and jsontext is the standard library's.",
		Columns: columns(""),
	}
	for _, task := range []micro.Task{micro.Notification, micro.Frame} {
		for _, c := range []string{micro.Ours, "encoding-json", "jsontext"} {
			all.row(&t, fmt.Sprintf("%s, %s", c, task), func(kind data.Kind) string {
				return all.took(fmt.Sprintf("micro-v2.%s.%v.16k.%s", task, kind, c))
			})
		}
	}
	return t
}
