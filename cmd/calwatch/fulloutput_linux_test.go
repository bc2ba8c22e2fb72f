package main

import (
	"os"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver"
)

// Standard output is a file on a disk that is full: whatever was to be printed
// is not there, so the command has failed, and says so.
func TestNoCommandCallsItASuccessWhenItsOutputCannotBeWritten(t *testing.T) {
	t.Parallel()
	f := newFake(t, &fakeserver.Options{AutoApprove: true})
	environ := home(t)
	f.login(t, environ, "")
	for _, args := range []string{
		"", "--help", "help", "help watch", "watch --help", "login --help", "logout --help", "accounts --help", "demo --help", "fakeserver --help",
		"version", "version -o json", "version --help", "completion", "completion bash", "completion zsh", "completion fish", "completion powershell",
		"__complete watch --", "accounts", "accounts -o text", "accounts -o json", "fakeserver", "demo --for 15s -o json", "demo --for 15s -o text", "demo --api ews --for 15s",
		"watch --endpoint " + f.endpoint.API() + " --ca-file " + f.caFile,
		"watch -o text --endpoint " + f.endpoint.API() + " --ca-file " + f.caFile,
		"watch --api ews --ews-url " + f.endpoint.EWS() + " --ca-file " + f.caFile,
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer full.Close()
			stderr := newLines()
			if status := run(t.Context(), strings.Fields(args), environ, full, stderr); status != exitFailure {
				t.Errorf("exit status %d, want %d", status, exitFailure)
			}
			lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
			if last := lines[len(lines)-1]; !strings.HasPrefix(last, "calwatch: standard output: ") || !strings.Contains(last, "no space left on device") {
				t.Errorf("it says:\n%s", stderr)
			}
		})
	}
}
