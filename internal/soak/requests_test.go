package soak

import "github.com/calwatch/calwatch/internal/fakeserver"

// judgeRequests looks at what the service was sent.
func (w *world) judgeRequests() {
	requests := w.server.Requests()
	if len(requests) >= 10_000 {
		w.wrongf("%d requests: the log does not hold all of them", len(requests))
	}
	refused := map[string]fakeserver.Request{} // by token: the first
	for _, r := range requests {
		if r.Token == "" {
			continue
		}
		if "https://"+r.Host != w.endpoint.URL {
			w.wrongf("a token was sent to %s", r.Host)
		}
		first, was := refused[r.Token]
		if was && w.resent(w, first, r.Time) {
			w.wrongf("a token that was refused %v ago was sent again", r.Time.Sub(first.Answered))
		}
		if r.Status == 401 && !was {
			refused[r.Token] = r
		}
	}
}

// judgeSecrets searches everything that was said for what was issued.
func (w *world) judgeSecrets() {
	secrets := append(w.server.SignIn().Secrets(), w.source.secrets()...)
	if n := w.journal.find(secrets); n > 0 {
		w.wrongf("%d of %d secrets are in the log, a trace or an error", n, len(secrets))
	}
	if len(secrets) == 0 {
		w.wrongf("no secret was issued")
	}
}
