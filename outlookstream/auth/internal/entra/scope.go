package entra

import (
	"fmt"
	"strings"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

// DefaultScope turns scopes of one resource into the one scope that credentials without a person can ask for.
func DefaultScope(scopes []string) (string, error) {
	resource := ""
	for _, scope := range scopes {
		switch scope {
		case "openid", "profile", "email", "offline_access":
			continue // about the sign-in of a person
		}
		of := resourceOf(scope)
		switch {
		case of == "":
			return "", bad(fmt.Sprintf("the scope %q does not name its resource: write it as "+
				"https://outlook.office.com/Calendars.Read", scope))
		case resource != "" && !strings.EqualFold(of, resource):
			return "", bad(fmt.Sprintf("the scopes are of more than one resource, %s and %s: a token is for one", resource, of))
		case resource == "":
			resource = of
		}
	}
	if resource == "" {
		return "", bad("no scope is asked for: name at least one, for example https://outlook.office.com/Calendars.Read")
	}
	return resource + "/.default", nil
}

// resourceOf is what stands before a scope's last slash, or "" if that is no resource. A resource may itself end in a slash:
// "https://management.azure.com//.default" is a scope of "https://management.azure.com/".
func resourceOf(scope string) string {
	i := strings.LastIndexByte(scope, '/')
	if i < 0 || strings.HasSuffix(scope[:i], ":/") { // the slash of "https://"
		return ""
	}
	return scope[:i]
}

func bad(text string) error { return fmt.Errorf("%w: %s", auth.ErrMisconfigured, text) }
