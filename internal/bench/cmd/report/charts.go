package main

import (
	"fmt"
	"image/color"
	"math"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/calwatch/calwatch/internal/bench/data"
	"github.com/calwatch/calwatch/internal/bench/micro"
)

// colours that people with any kind of eyes can tell apart.
func colours() []color.Color {
	return []color.Color{
		color.RGBA{0x00, 0x72, 0xb2, 0xff}, color.RGBA{0xe6, 0x9f, 0x00, 0xff}, color.RGBA{0x00, 0x9e, 0x73, 0xff},
		color.RGBA{0xcc, 0x79, 0xa7, 0xff}, color.RGBA{0x56, 0xb4, 0xe9, 0xff}, color.RGBA{0xd5, 0x5e, 0x00, 0xff},
	}
}

// bars are a chart of groups of bars: a group for each name, with a bar for
// each series. What was not measured has none.
type bars struct {
	title, axis   string
	names, series []string
	value         func(name, series string) (float64, bool)
	logarithmic   bool
}

// charts draws what can be drawn, and returns the names of the files.
func (all stock) charts(dir string) ([]string, error) {
	var drawn []string
	for name, b := range map[string]bars{
		"notification": all.speed(micro.Notification, "Bytes to an owned notification, reads of 16 KiB"),
		"frame":        all.speed(micro.Frame, "Framing alone, reads of 16 KiB"),
		"wire":         all.shares(),
		"load":         all.resident(),
	} {
		p, ok := b.plot()
		if !ok {
			continue
		}
		height := vg.Length(len(b.names)*len(b.series))*9 + 110
		if err := p.Save(16*vg.Centimeter, height, filepath.Join(dir, name+".svg")); err != nil {
			return nil, err
		}
		drawn = append(drawn, name)
	}
	if p, ok := all.tokenLines(); ok {
		if err := p.Save(16*vg.Centimeter, 11*vg.Centimeter, filepath.Join(dir, "token.svg")); err != nil {
			return nil, err
		}
		drawn = append(drawn, "token")
	}
	if p, ok := all.mailboxLines(); ok {
		if err := p.Save(16*vg.Centimeter, 11*vg.Centimeter, filepath.Join(dir, "ews.svg")); err != nil {
			return nil, err
		}
		drawn = append(drawn, "ews")
	}
	return drawn, nil
}

// speed is how many times as fast as encoding/json all are.
func (all stock) speed(task micro.Task, title string) bars {
	b := bars{title: title, axis: "times as fast as encoding/json", logarithmic: true}
	for _, c := range micro.Contestants() {
		if c.Task == task {
			b.names = append(b.names, c.Name)
		}
	}
	for _, kind := range data.Kinds() {
		b.series = append(b.series, kind.String())
	}
	b.value = func(name, series string) (float64, bool) {
		key := fmt.Sprintf("micro.%s.%s.16k.", task, series)
		theirs, known := all.values[key+"encoding-json.ns"]
		ns, ok := all.values[key+name+".ns"]
		return theirs / ns, ok && known
	}
	return b
}

// shares are of a bare read of the same response.
func (all stock) shares() bars {
	b := bars{title: "Throughput over TLS", axis: "as a share of a bare read", names: []string{"ours", "goccy", "jsontext", "json-iterator", "encoding-json"}}
	for _, kind := range data.Kinds() {
		b.series = append(b.series, kind.String())
	}
	b.value = func(name, series string) (float64, bool) {
		v, ok := all.values[fmt.Sprintf("wire.tls.%s.share.%s", series, name)]
		return v, ok
	}
	return b
}

// resident is the memory of idle streams.
func (all stock) resident() bars {
	keys := map[string]string{"HTTP/1.1": "h1", "HTTP/2": "h2"}
	after := map[string]string{"keep-alives": "", "after one 70 KB event": ".after70k"}
	b := bars{title: "Memory of an idle stream among 10,000 (RSS)", axis: "KB", series: []string{"keep-alives", "after one 70 KB event"}}
	for _, protocol := range []string{"HTTP/2", "HTTP/1.1"} {
		for _, mode := range []string{"bare", "ours", "std"} {
			b.names = append(b.names, protocol+" "+mode)
		}
	}
	b.value = func(name, series string) (float64, bool) {
		var protocol, mode string
		if _, err := fmt.Sscan(name, &protocol, &mode); err != nil {
			return 0, false
		}
		v, ok := all.values[fmt.Sprintf("load.footprint.%s.%s.10000.rss_per_stream%s", keys[protocol], mode, after[series])]
		return v / 1000, ok
	}
	return b
}

// plot draws; false if there is nothing to draw.
func (b bars) plot() (*plot.Plot, bool) {
	p := newPlot(b.title)
	p.X.Label.Text = b.axis
	lowest, highest := math.Inf(1), 0.0
	const thick = 7
	for i, series := range b.series {
		var values plotter.Values
		for n := range b.names {
			v, ok := b.value(b.names[len(b.names)-1-n], series) // the first on top
			if ok && v > 0 {
				lowest, highest = min(lowest, v), max(highest, v)
			} else {
				v = 0
			}
			values = append(values, v)
		}
		chart, err := plotter.NewBarChart(values, vg.Points(thick))
		if err != nil {
			return nil, false
		}
		chart.Horizontal, chart.LineStyle.Width = true, 0
		chart.Color = colours()[i%len(colours())]
		chart.Offset = vg.Points(thick) * (vg.Length(len(b.series)-1)/2 - vg.Length(i))
		p.Add(chart)
		p.Legend.Add(series, chart)
	}
	if highest == 0 {
		return nil, false
	}
	var names []string
	for n := range b.names {
		names = append(names, " "+b.names[len(b.names)-1-n]) // the space keeps it off the edge
	}
	p.NominalY(names...)
	p.X.Min, p.X.Max = 0, highest*1.4 // room for the legend
	if b.logarithmic {
		p.X.Min, p.X.Max = lowest/1.5, highest*4
		p.X.Scale, p.X.Tick.Marker = fromTheEdge{}, plot.TickerFunc(oneTwoFive)
	}
	grid := plotter.NewGrid()
	grid.Horizontal.Width = 0
	p.Add(grid)
	return p, true
}

func newPlot(title string) *plot.Plot {
	p := plot.New()
	p.Title.Text = title
	p.Title.Padding = vg.Points(10)
	p.Legend.Top, p.Legend.Padding = true, vg.Points(2)
	for _, face := range []*font.Font{&p.Title.TextStyle.Font, &p.X.Label.TextStyle.Font, &p.Y.Label.TextStyle.Font, &p.X.Tick.Label.Font, &p.Y.Tick.Label.Font, &p.Legend.TextStyle.Font} {
		face.Variant = "Sans"
	}
	p.BackgroundColor = color.White
	return p
}

// fromTheEdge is a logarithmic scale on which bars begin at the edge, since
// there is no place for the zero where they would.
type fromTheEdge struct{}

// Normalize implements plot.Normalizer.
func (fromTheEdge) Normalize(lowest, highest, x float64) float64 {
	return plot.LogScale{}.Normalize(lowest, highest, max(lowest, x))
}

// oneTwoFive has ticks at 1, 2, 5, 10, 20, 50 and so on.
func oneTwoFive(lowest, highest float64) []plot.Tick {
	var ticks []plot.Tick
	for power := math.Pow(10, math.Floor(math.Log10(lowest))); power <= highest; power *= 10 {
		for _, step := range []float64{1, 2, 5} {
			if at := power * step; at >= lowest && at <= highest {
				ticks = append(ticks, plot.Tick{Value: at, Label: fmt.Sprintf("%g", at)})
			}
		}
	}
	return ticks
}

// tokenLines is what a token costs, by the number of accounts.
func (all stock) tokenLines() (*plot.Plot, bool) {
	p := newPlot("What a token costs")
	p.X.Label.Text = "accounts"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker = plot.ConstantTicks{{Value: 1, Label: "1"}, {Value: 100, Label: "100"}, {Value: 1000, Label: "1,000"}, {Value: 10000, Label: "10,000"}}
	p.Y.Tick.Marker = plot.TickerFunc(func(lowest, highest float64) []plot.Tick {
		var ticks []plot.Tick
		for at := math.Pow(10, math.Ceil(math.Log10(lowest))); at <= highest; at *= 10 {
			ticks = append(ticks, plot.Tick{Value: at, Label: duration(1e3 * at)})
		}
		return ticks
	})
	p.Add(plotter.NewGrid())
	p.Legend.Left = true
	for i, w := range ways() {
		var points plotter.XYs
		for _, n := range accounts() {
			var x float64
			if _, err := fmt.Sscan(n, &x); err != nil {
				return nil, false
			}
			if ns, ok := all.values["token."+n+"."+w.name+".ns"]; ok && ns > 0 {
				points = append(points, plotter.XY{X: x, Y: ns / 1e3})
			}
		}
		if len(points) == 0 {
			continue
		}
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return nil, false
		}
		line.Color, line.Width = colours()[i%len(colours())], vg.Points(1.5)
		dots.Color = line.Color
		p.Add(line, dots)
		p.Legend.Add(plain(w.what), line)
	}
	p.Y.Max *= 500 // room for the legend
	_, measured := all.files["token"]
	return p, measured
}

// plain is a text without the marks of Markdown.
func plain(text string) string { return strings.ReplaceAll(text, "`", "") }
