package main

import (
	"os"
	"strings"
	"testing"
)

// The example of the README is this program, so that it compiles.
func TestTheExampleOfTheReadmeIsThisProgram(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(program), "func main() {\n")
	if !strings.Contains(string(readme), "```go\nfunc main() {\n"+body+"```\n") {
		t.Error("README.md does not show main.go from func main on, word for word")
	}
}
