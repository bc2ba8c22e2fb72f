package main

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// mailboxLines is how what a watch over mailboxes takes grows with their number.
func (all stock) mailboxLines() (*plot.Plot, bool) {
	numbers := []int{10, 100, 1000}
	p := newPlot("Growth from 10 mailboxes to 1,000, in five groups")
	p.X.Label.Text, p.Y.Label.Text = "mailboxes", "times as much as for 10"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker = plot.ConstantTicks{{Value: 10, Label: "10"}, {Value: 100, Label: "100"}, {Value: 1000, Label: "1,000"}}
	p.Y.Tick.Marker = plot.ConstantTicks{{Value: 1, Label: "1"}, {Value: 10, Label: "10"}, {Value: 100, Label: "100"}}
	p.Add(plotter.NewGrid())
	p.Legend.Left = true
	drawn := 0
	for i, series := range []struct{ key, what string }{
		{"start.calls", "calls at the start"},
		{"start.seconds_to_live", "time until all are live"},
		{"loss.seconds_to_live", "time until all are live again, after a server was lost"},
		{"held.heap", "heap"},
		{"held.rss", "RSS"},
		{"held.goroutines", "goroutines"},
	} {
		var points plotter.XYs
		few := all.values[fmt.Sprintf("ews.%d.%s", numbers[0], series.key)]
		for _, n := range numbers {
			if v := all.values[fmt.Sprintf("ews.%d.%s", n, series.key)]; few > 0 && v > 0 {
				points = append(points, plotter.XY{X: float64(n), Y: v / few})
			}
		}
		if len(points) < len(numbers) {
			continue
		}
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return nil, false
		}
		line.Color, line.Width = colours()[i%len(colours())], vg.Points(1.5)
		dots.Color = line.Color
		p.Add(line, dots)
		p.Legend.Add(series.what, line)
		drawn++
	}
	p.Y.Min, p.Y.Max = min(p.Y.Min, 0.5), math.Max(p.Y.Max, 10)*200 // room for the legend
	return p, drawn > 0
}
