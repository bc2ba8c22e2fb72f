package auth_test

import (
	"testing"
	"time"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

// BenchmarkCachedHit is what a request pays for a token that is there.
func BenchmarkCachedHit(b *testing.B) {
	s := &source{life: 1000 * time.Hour}
	p := auth.Cached(s)
	ctx, r := b.Context(), auth.Request{Scopes: []string{"https://outlook.office.com/Calendars.Read"}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Token(ctx, r); err != nil {
			b.Fatal(err)
		}
	}
	if s.count() != 1 {
		b.Errorf("%d calls of the provider, want 1", s.count())
	}
}

// BenchmarkCached is what a provider costs before it is asked: a process may hold thousands.
func BenchmarkCached(b *testing.B) {
	s := &source{}
	b.ReportAllocs()
	for b.Loop() {
		auth.Cached(s)
	}
}
