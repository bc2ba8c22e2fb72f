package main

import (
	"strings"

	"github.com/aymanbagabas/go-osc52/v2"
)

// copied returns what has a terminal put text into the clipboard of the machine
// it runs on, which through SSH is the one with the browser (OSC 52), and says so.
func (s *session) copied(text string) string {
	sequence := osc52.New(text)
	written := sequence.String()
	term, _ := lookupEnv(s.environ, "TERM")
	switch tmux, _ := lookupEnv(s.environ, "TMUX"); {
	case tmux != "": // which passes on the one or the other, as it is set up
		written += sequence.Tmux().String()
	case strings.HasPrefix(term, "screen"):
		written = sequence.Screen().String()
	}
	return written + "The code is in the clipboard, if your terminal allows that.\n"
}
