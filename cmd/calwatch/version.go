package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// versionInfo says what was built, as far as the build knows.
type versionInfo struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Time     string `json:"time,omitempty"` // of the commit
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func (t *tool) versionCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "version", Short: "Say which version this is", Args: cobra.NoArgs}
	f := &flags{cmd: cmd}
	format := "text"
	cmd.Flags().VarP(oneOf(&format, "text", "json"), "output", "o", f.doc("output", "how it is printed", "text"))
	return t.command(cmd, f, func(context.Context, []string) error {
		v := readVersion()
		if format == "json" {
			return written(json.NewEncoder(t.stdout).Encode(v))
		}
		_, err := fmt.Fprintln(t.stdout, v)
		return written(err)
	})
}

func readVersion() versionInfo {
	v := versionInfo{Version: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			v.Commit = setting.Value
		case "vcs.time":
			v.Time = setting.Value
		case "vcs.modified":
			v.Modified = setting.Value == "true"
		}
	}
	return v
}

// String returns it as a line for people.
func (v versionInfo) String() string {
	text := "calwatch " + v.Version
	if v.Commit != "" {
		text += " (commit " + v.Commit
		if v.Modified {
			text += ", modified"
		}
		text += ")"
	}
	return text + " " + v.Go + " " + v.Platform
}
