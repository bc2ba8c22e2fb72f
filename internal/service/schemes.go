package service

import "strings"

// Schemes returns the names of the authentication schemes that the
// WWW-Authenticate headers of a 401 offer, in their order.
func Schemes(headers []string) []string {
	var names []string
	for _, header := range headers {
		for header != "" {
			var name string
			var begins bool
			name, _, begins, header = nextParameter(header)
			if scheme, _, _ := strings.Cut(name, " "); begins && scheme != "" {
				names = append(names, scheme)
			}
		}
	}
	return names
}
