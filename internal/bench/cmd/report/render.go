package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/calwatch/calwatch/internal/bench/results"
	"github.com/calwatch/calwatch/internal/bench/targets"
)

//go:embed notes.md
var notesText string

// A stock is everything that was measured.
type stock struct {
	files  map[string]results.File // by suite; those that are missing were not measured
	values map[string]float64
	judged map[string]float64 // those of values that are not of a short form
	notes  map[string]string
}

// stocked reads what is in the directory.
func (s settings) stocked() (stock, error) {
	all := stock{files: map[string]results.File{}, values: map[string]float64{}, judged: map[string]float64{}, notes: notes(notesText)}
	for _, suite := range suites() {
		f, err := results.Read(s.path(suite, ".json"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return stock{}, err
		}
		all.files[suite] = f
		maps.Copy(all.values, f.Values)
		if !f.Short {
			maps.Copy(all.judged, f.Values)
		}
	}
	return all, nil
}

// render writes the page and its charts.
func (s settings) render() error {
	all, err := s.stocked()
	if err != nil {
		return err
	}
	drawn, err := all.charts(s.stored)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.repo, "docs", "performance.md"), []byte(all.page(drawn)), 0o644)
}

// page is docs/performance.md; drawn are the names of the charts.
func (all stock) page(drawn []string) string {
	var p strings.Builder
	chart := func(name, what string) {
		if slices.Contains(drawn, name) {
			fmt.Fprintf(&p, "![%s](performance/%s.svg)\n\n", what, name)
		}
	}
	fmt.Fprintf(&p, "# Performance\n\n%s\n\n", all.notes["intro"])
	all.machine(&p)
	fmt.Fprintf(&p, "## Targets\n\n%s\n\n", all.notes["targets"])
	all.targets(&p)
	fmt.Fprintf(&p, "## In memory\n\n%s\n\n", all.notes["micro"])
	chart("notification", "how many times as fast as encoding/json a notification is decoded")
	chart("frame", "how many times as fast as encoding/json an element is framed")
	for _, t := range all.micro() {
		table(&p, t)
	}
	for _, suite := range []struct{ name, title string }{{"wire", "Over real connections"}, {"load", "Many streams"}, {"ews", "Many mailboxes of Exchange"}} {
		fmt.Fprintf(&p, "## %s\n\n%s\n\n", suite.title, all.notes[suite.name])
		chart(suite.name, suite.title)
		if _, ok := all.files[suite.name]; !ok {
			fmt.Fprintf(&p, "Not measured.\n\n")
		}
		for _, t := range all.files[suite.name].Tables {
			table(&p, t)
		}
	}
	fmt.Fprintf(&p, "## What a token costs\n\n%s\n\n", all.notes["token"])
	chart("token", "what a token costs by the number of accounts")
	for _, t := range all.token() {
		table(&p, t)
	}
	fmt.Fprintf(&p, "%s\n", all.notes["token-remarks"])
	return p.String()
}

func (all stock) machine(p *strings.Builder) {
	fmt.Fprintf(p, "| suite | taken | of commit | processor | cores | system | Go | raw |\n|---|---|---|---|---|---|---|---|\n")
	for _, suite := range suites() {
		f, ok := all.files[suite]
		if !ok {
			fmt.Fprintf(p, "| %s | not measured | – | – | – | – | – | – |\n", suite)
			continue
		}
		name := suite
		if f.Short {
			name += " (short form: not judged by the targets)"
		}
		fmt.Fprintf(p, "| %s | %s | %s | %s | %d | %s | %s | [text](performance/%[8]s.txt), [values](performance/%[8]s.json) |\n",
			name, f.Taken.Format("2006-01-02 15:04"), f.Commit, f.Machine.CPU, f.Machine.Cores, f.Machine.OS, f.Machine.Go, suite)
	}
	var versions []string
	for _, path := range []string{"github.com/json-iterator/go", "github.com/go-json-experiment/json", "github.com/goccy/go-json", "github.com/bytedance/sonic", "k8s.io/apimachinery"} {
		if version := all.files["micro"].Machine.Modules[path]; version != "" {
			versions = append(versions, path+" "+version)
		}
	}
	if len(versions) > 0 {
		fmt.Fprintf(p, "\nCompared with: %s, and encoding/json of that Go.\n", strings.Join(versions, ", "))
	}
	if spread, ok := all.spread(); ok {
		fmt.Fprintf(p, "\nOf the micro benchmarks the median pass took %.0f %% longer than the best one (half of them more): that is what the machine did besides.\n", 100*spread)
	}
	p.WriteByte('\n')
}

// spread is the median of those of the micro benchmarks.
func (all stock) spread() (float64, bool) {
	var spreads []float64
	for name, value := range all.files["micro"].Values {
		if strings.HasSuffix(name, ".spread") {
			spreads = append(spreads, value)
		}
	}
	if len(spreads) == 0 {
		return 0, false
	}
	slices.Sort(spreads)
	return spreads[len(spreads)/2], true
}

func (all stock) targets(p *strings.Builder) {
	t := results.Table{Columns: []string{"what", "at least", "aim", "measured", "", "why"}}
	count := map[targets.Verdict]int{}
	for _, target := range targets.All() {
		verdict := target.Verdict(all.judged)
		count[verdict]++
		measured, why := "–", ""
		if figure, ok := target.Measured(all.judged); ok {
			measured = figureText(target.Format, figure)
		}
		if verdict == targets.NotMet {
			why = all.notes["why "+target.ID]
		}
		t.Rows = append(t.Rows, []string{target.What, figureText(target.Format, target.Limit), figureText(target.Format, target.Aim), measured, string(verdict), why})
	}
	table(p, t)
	fmt.Fprintf(p, "%d figures: %d reach the aim, %d more what must be met, %d do not, %d were not measured.\n\n",
		len(targets.All()), count[targets.AimMet], count[targets.Met], count[targets.NotMet], count[targets.NotMeasured])
}

func figureText(format targets.Format, figure float64) string {
	switch format {
	case targets.Times:
		return fmt.Sprintf("%.3gx", figure)
	case targets.Count:
		return fmt.Sprintf("%.3g", figure)
	case targets.Share:
		return fmt.Sprintf("%.2f", figure)
	case targets.Part:
		return fmt.Sprintf("%.4f", figure)
	case targets.Micros:
		return fmt.Sprintf("%+.1f µs", figure)
	case targets.Nanos:
		return fmt.Sprintf("%+.0f ns", figure)
	case targets.Bytes:
		return fmt.Sprintf("%.1f KB", figure/1000)
	case targets.Seconds:
		return fmt.Sprintf("%.2f s", figure)
	default:
		return fmt.Sprint(figure)
	}
}

// table writes a table, if it has rows.
func table(p *strings.Builder, t results.Table) {
	if len(t.Rows) == 0 {
		return
	}
	if t.Title != "" {
		fmt.Fprintf(p, "### %s\n\n", t.Title)
	}
	if t.Note != "" {
		fmt.Fprintf(p, "%s\n\n", t.Note)
	}
	cell := strings.NewReplacer("|", `\|`, "\n", " ")
	row := func(cells []string) {
		for _, c := range cells {
			fmt.Fprintf(p, "| %s ", cell.Replace(c))
		}
		fmt.Fprintf(p, "|\n")
	}
	row(t.Columns)
	fmt.Fprintf(p, "%s|\n", strings.Repeat("|---", len(t.Columns)))
	for _, r := range t.Rows {
		row(r)
	}
	p.WriteByte('\n')
}

// notes are the sections of a text, by their headings.
func notes(text string) map[string]string {
	sections := map[string]string{}
	for _, section := range strings.Split("\n"+text, "\n## ")[1:] {
		name, content, _ := strings.Cut(section, "\n")
		sections[strings.TrimSpace(name)] = strings.TrimSpace(content)
	}
	return sections
}
