package exchange

import (
	"net/http"
	"slices"
	"strings"
)

// Access is who may use the service at all. The zero value lets everybody in.
type Access struct {
	// Disabled is EWSEnabled: false, of the organization.
	Disabled bool `json:"disabled,omitzero"`
	// Apps is EwsAllowedAppIDs: the applications that may; the others' tokens are answered with 403. Empty: all may.
	Apps []string `json:"apps,omitzero"`
	// AllowAgents and BlockAgents are EwsAllowList and EwsBlockList: what a User-Agent begins with. A list of the one sort
	// makes the other not count, as with EwsApplicationAccessPolicy. Empty: all may.
	AllowAgents []string `json:"allowAgents,omitzero"`
	BlockAgents []string `json:"blockAgents,omitzero"`
}

// SetAccess changes who may use the service, from the next request on.
func (s *Server) SetAccess(a Access) {
	a.Apps, a.AllowAgents, a.BlockAgents = lower(a.Apps), lower(a.AllowAgents), lower(a.BlockAgents)
	s.rights.mu.Lock()
	defer s.rights.mu.Unlock()
	s.rights.access = a
}

// admit lets a request in whose sender may use the service. What is refused is refused before anybody looks at what was
// asked.
func (c *call) admit() (*failure, bool) {
	c.server.rights.mu.Lock()
	a := c.server.rights.access
	c.server.rights.mu.Unlock()
	agent := strings.ToLower(c.r.UserAgent())
	begins := func(prefix string) bool { return strings.HasPrefix(agent, strings.TrimSuffix(prefix, "*")) }
	refused := false
	if len(a.Apps) > 0 && c.account.App != "" {
		refused = refused || !slices.Contains(a.Apps, strings.ToLower(c.account.App))
	}
	switch {
	case len(a.AllowAgents) > 0:
		refused = refused || !slices.ContainsFunc(a.AllowAgents, begins)
	default:
		refused = refused || slices.ContainsFunc(a.BlockAgents, begins)
	}
	switch {
	case a.Disabled:
		return forbidden("EWS is disabled for this user or tenant"), false
	case refused:
		return forbidden("EWS is blocked by policy for this user or tenant"), false
	default:
		return nil, false
	}
}

func forbidden(reason string) *failure {
	return httpFailure(http.StatusForbidden, http.Header{"X-Ews-Policy-Reason": {reason}})
}
