// Package results is what a suite of measurements leaves behind, so that the
// report can be made again without measuring again.
package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"time"
)

// A File has the results of one run of one suite.
type File struct {
	Suite   string
	Taken   time.Time
	Machine Machine
	Commit  string `json:",omitempty"` // what was measured; the report fills it in
	Short   bool   `json:",omitempty"` // in the short form, which no target is judged by
	// Values have stable dotted names, such as wire.tls.simple.share. What was
	// not measured is not there.
	Values map[string]float64
	Tables []Table
}

// A Table is for people.
type Table struct {
	Title, Note string
	Columns     []string
	Rows        [][]string
}

// Write writes f to a file, as JSON that can be compared line by line.
func (f File) Write(path string) error {
	for key, value := range f.Values {
		if math.IsNaN(value) || math.IsInf(value, 0) {
			return fmt.Errorf("results: %s is %v, which is no measurement", key, value)
		}
	}
	content, err := json.MarshalIndent(f, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(content, '\n'), 0o644)
}

// Read reads what Write wrote.
func Read(path string) (File, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return File{}, err
	}
	var f File
	if err := json.Unmarshal(content, &f); err != nil {
		return File{}, fmt.Errorf("results: %s: %w", path, err)
	}
	if f.Suite == "" {
		return File{}, errors.New("results: " + path + " names no suite")
	}
	return f, nil
}
