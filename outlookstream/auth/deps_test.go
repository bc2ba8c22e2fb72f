package auth_test

import (
	"os/exec"
	"strings"
	"testing"
)

// A program compiles only the sign-in library whose adapter it imports.
func TestTheClientNeedsNoSignInLibrary(t *testing.T) {
	const module = "github.com/calwatch/calwatch"
	for _, pkg := range []string{"/outlookstream", "/outlookstream/auth"} {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", module+pkg).Output()
		if err != nil {
			t.Fatalf("go list -deps: %v", err)
		}
		if !strings.Contains(string(out), module+"/outlookstream/auth\n") {
			t.Fatalf("%s does not even need the auth package; what was listed?\n%s", pkg, out)
		}
		for dep := range strings.Lines(string(out)) {
			for _, library := range []string{"github.com/AzureAD/", "github.com/Azure/", "golang.org/x/oauth2", module + "/outlookstream/auth/"} {
				if strings.HasPrefix(dep, library) {
					t.Errorf("%s needs %s", pkg, strings.TrimSpace(dep))
				}
			}
		}
	}
}
