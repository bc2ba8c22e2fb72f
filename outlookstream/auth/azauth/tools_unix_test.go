//go:build unix

package azauth_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/azauth"
)

// az puts a program of that name in the way of azidentity.
func az(t *testing.T, script string) auth.Provider {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "az"), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	cred, err := azidentity.NewAzureCLICredential(nil)
	if err != nil {
		t.Fatal(err)
	}
	return azauth.New(cred, nil)
}

func TestAzureCLI(t *testing.T) {
	until := time.Now().Add(time.Hour).Truncate(time.Second)
	p := az(t, fmt.Sprintf(`echo '{"accessToken":"secret-1","expires_on":%d}'`, until.Unix()))
	first := token(t, p, auth.Request{})
	if first.Value != "secret-1" || !first.ExpiresOn.Equal(until) {
		t.Errorf("got %v", first)
	}
	fails(t, p, auth.Request{Rejected: "secret-1"}, auth.ErrRejected, `run "az login"`, "secret-1")
	fails(t, p, auth.Request{Rejected: "secret-1", Claims: "{}"}, auth.ErrInteractionRequired, "run: az login --claims-challenge e30=", "secret-1")
}

func TestAzureCLINotSignedIn(t *testing.T) {
	p := az(t, `echo "ERROR: Please run 'az login' to setup account. secret-1" >&2; exit 1`)
	fails(t, p, auth.Request{}, auth.ErrInteractionRequired, `run "az login"`, "secret-1")
}

func TestAzureCLINotInstalled(t *testing.T) {
	p := az(t, "exit 127")
	fails(t, p, auth.Request{}, auth.ErrMisconfigured, "AZURE_SDK_GO_LOGGING")
}
