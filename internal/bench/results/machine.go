package results

import (
	"bufio"
	"bytes"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

// A Machine is where something was measured, and with what.
type Machine struct {
	CPU     string
	Cores   int
	OS, Go  string
	Modules map[string]string // path to version, of what this program is built from
}

// ThisMachine describes the machine and the program that calls it.
func ThisMachine() Machine {
	m := Machine{
		CPU:     field("/proc/cpuinfo", "model name", ':'),
		Cores:   runtime.NumCPU(),
		OS:      runtime.GOOS + "/" + runtime.GOARCH,
		Go:      runtime.Version(),
		Modules: map[string]string{},
	}
	if m.CPU == "" {
		m.CPU = "unknown"
	}
	if system := field("/etc/os-release", "PRETTY_NAME", '='); system != "" {
		m.OS += ", " + strings.Trim(system, `"`)
	}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.OS += ", kernel " + strings.TrimSpace(string(release))
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Replace == nil { // what is replaced is the library itself
				m.Modules[module.Path] = module.Version
			}
		}
	}
	return m
}

// field returns the value of a line "name<separator>value" of a file; "" on
// systems that do not have it.
func field(path, name string, separator byte) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	lines := bufio.NewScanner(bytes.NewReader(content))
	for lines.Scan() {
		key, value, found := strings.Cut(lines.Text(), string(separator))
		if found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
