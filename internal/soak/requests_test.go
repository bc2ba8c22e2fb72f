package soak

import "time"

// judgeRequests looks at what the service was sent.
func (w *world) judgeRequests() {
	requests := w.server.Requests()
	if len(requests) >= 10_000 {
		w.wrongf("%d requests: the log does not hold all of them", len(requests))
	}
	refused := map[string]time.Time{} // when
	for _, r := range requests {
		if r.Token == "" {
			continue
		}
		if "https://"+r.Host != w.endpoint.URL {
			w.wrongf("a token was sent to %s", r.Host)
		}
		if at, was := refused[r.Token]; was && w.resent(at, r.Time) {
			w.wrongf("a token that was refused %v ago was sent again", r.Time.Sub(at))
		}
		if r.Status == 401 && refused[r.Token].IsZero() {
			refused[r.Token] = r.Answered
		}
	}
}

// judgeSecrets searches everything that was said for what was issued.
func (w *world) judgeSecrets() {
	secrets := w.server.SignIn().Secrets()
	if n := w.journal.find(secrets); n > 0 {
		w.wrongf("%d of %d secrets are in the log, a trace or an error", n, len(secrets))
	}
	if len(secrets) == 0 {
		w.wrongf("no secret was issued")
	}
}
