package main

import (
	"encoding/base64"
	"strings"
	"testing"
)

func TestTheDeviceCodeIsPutIntoTheTerminalsClipboard(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	const plainly, forTmux, forScreen = "\x1b]52;c;", "\x1bPtmux;\x1b\x1b]52;c;", "\x1bP\x1b]52;c;"
	for name, test := range map[string]struct {
		environ []string
		args    []string
		want    []string
		not     []string
	}{
		"terminal": {[]string{"TERM=xterm"}, []string{"--clipboard"}, []string{plainly}, []string{forTmux, forScreen}},
		"tmux":     {[]string{"TERM=screen-256color", "TMUX=x"}, []string{"--clipboard"}, []string{forTmux, plainly}, nil},
		"screen":   {[]string{"TERM=screen"}, []string{"--clipboard"}, []string{forScreen}, nil},
		"unasked":  {[]string{"TERM=xterm"}, nil, nil, []string{plainly}},
	} {
		t.Run(name, func(t *testing.T) {
			c := atTerminal(t, append(home(t), test.environ...), append(append([]string{"login"}, test.args...), f.application()...)...)
			code := userCode(t, c.stderr)
			if err := f.SignIn().Approve(code, ""); err != nil {
				t.Fatal(err)
			}
			c.end(t, exitDone)
			for _, want := range test.want {
				if !strings.Contains(c.stderr.String(), want+base64.StdEncoding.EncodeToString([]byte(code))) {
					t.Errorf("there is no %q with the code in %q", want, c.stderr)
				}
			}
			for _, not := range test.not {
				if strings.Contains(c.stderr.String(), not) {
					t.Errorf("there is %q in %q", not, c.stderr)
				}
			}
			if got := strings.Contains(c.stderr.String(), "The code is in the clipboard"); got != (len(test.args) > 0) {
				t.Errorf("it says so: %v", got)
			}
		})
	}
}
