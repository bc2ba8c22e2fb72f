package ews

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"sync"

	"github.com/calwatch/calwatch/outlookstream/ews/internal/autodiscover"
)

// Autodiscover asks servers that are known beforehand, or those that the domain
// of an address leads to. Domains have nothing to do with each other: one whose
// servers do not answer, for minutes, is not to be in the way of the others.

// maxDomains is how many domains are asked at a time.
const maxDomains = 8

// autodiscoverServers returns nil if they depend on the address.
func (c *Client) autodiscoverServers() ([]*url.URL, error) {
	raw := c.opts.Autodiscover.Servers
	if len(raw) == 0 && c.auth.scheme() == "Bearer" && c.url.String() == OnlineURL {
		raw = []string{OnlineServer}
	}
	servers := make([]*url.URL, len(raw))
	for i, server := range raw {
		u, err := parseURL(server)
		if err != nil {
			return nil, fmt.Errorf("Options.Autodiscover.Servers: %w", err)
		}
		servers[i] = u
	}
	return servers, nil
}

// asksDomains reports whether whom Autodiscover asks depends on the address.
func (c *Client) asksDomains() bool {
	servers, err := c.autodiscoverServers()
	return err == nil && len(servers) == 0
}

// byDomain divides addresses.
func byDomain(addresses []string) (batches [][]string) {
	of := make(map[string]int)
	for _, address := range addresses {
		domain := autodiscover.DomainOf(address)
		i, known := of[domain]
		if !known {
			i = len(batches)
			of[domain] = i
			batches = append(batches, nil)
		}
		batches[i] = append(batches[i], address)
	}
	return batches
}

// discoverDomains asks about several batches at a time. What is an error of one
// is one of all: credentials that were refused are not tried elsewhere.
func (c *Client) discoverDomains(ctx context.Context, batches [][]string) (map[string]UserSettings, error) {
	if len(batches) == 1 {
		return c.discoverBatch(ctx, nil, batches[0])
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	results := make([]map[string]UserSettings, len(batches))
	next := make(chan int, len(batches))
	for i := range batches {
		next <- i
	}
	close(next)
	var workers sync.WaitGroup
	var fall fall
	for range min(maxDomains, len(batches)) {
		workers.Go(func() {
			fall.guard(func() {
				for i := range next {
					var err error
					if results[i], err = c.discoverBatch(ctx, nil, batches[i]); err != nil {
						cancel(err)
						return
					}
				}
			}, func() { cancel(errFallen) })
		})
	}
	workers.Wait()
	fall.raise()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	all := make(map[string]UserSettings)
	for _, settings := range results {
		maps.Copy(all, settings)
	}
	return all, nil
}

// discoverBatch asks servers, or those that the addresses lead to, one after the
// other.
func (c *Client) discoverBatch(ctx context.Context, servers []*url.URL, addresses []string) (map[string]UserSettings, error) {
	s := &Session{client: c, pool: c.newPool()}
	lease := s.pool.Acquire()
	defer lease.Release()
	config := autodiscover.Config{Servers: servers, Allow: c.allowRedirect(ctx)}
	config.Send = func(ctx context.Context, r *http.Request, addresses []string, credentials bool) (autodiscover.Answer, error) {
		return s.askAutodiscover(ctx, lease, r, addresses, credentials)
	}
	found, err := autodiscover.Discover(ctx, config, addresses)
	if err != nil {
		return nil, err
	}
	settings := make(map[string]UserSettings, len(found))
	for address, r := range found {
		settings[address] = UserSettings{URL: r.URL, Grouping: r.Grouping, Version: r.Version, Err: autodiscoverError(address, r.Err)}
	}
	return settings, nil
}

// allowRedirect returns AllowRedirect for one call at a time.
func (c *Client) allowRedirect(ctx context.Context) func(address string, to *url.URL) bool {
	allow := c.opts.Autodiscover.AllowRedirect
	if allow == nil {
		return nil
	}
	return func(address string, to *url.URL) bool {
		select {
		case c.allowing <- struct{}{}:
		case <-ctx.Done():
			return false
		}
		defer func() { <-c.allowing }()
		return allow(address, to)
	}
}
