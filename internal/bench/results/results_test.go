package results_test

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/bench/results"
)

func TestWriteAndRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wire.json")
	wrote := results.File{
		Suite: "wire", Taken: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC), Machine: results.ThisMachine(),
		Values: map[string]float64{"wire.tls.simple.share": 0.61},
		Tables: []results.Table{{Title: "Shares", Columns: []string{"what", "share"}, Rows: [][]string{{"ours", "0.61"}}}},
	}
	if err := wrote.Write(path); err != nil {
		t.Fatal(err)
	}
	read, err := results.Read(path)
	if err != nil || !reflect.DeepEqual(read, wrote) {
		t.Errorf("%+v, %v; wrote %+v", read, err, wrote)
	}
}

func TestWhatIsNoMeasurementIsNotWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.json")
	for _, value := range []float64{math.NaN(), math.Inf(1)} {
		if err := (results.File{Suite: "x", Values: map[string]float64{"x": value}}).Write(path); err == nil {
			t.Errorf("%v was written", value)
		}
	}
	if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if f, err := results.Read(path); err == nil {
		t.Errorf("read %+v from a file that is no result", f)
	}
}

func TestThisMachine(t *testing.T) {
	if m := results.ThisMachine(); m.Cores < 1 || m.CPU == "" || m.Go == "" || m.OS == "" {
		t.Errorf("%+v", m)
	}
}
