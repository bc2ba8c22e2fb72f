package load

import (
	"fmt"

	"github.com/calwatch/calwatch/internal/bench/results"
)

// openers is how many goroutines open streams over a plain Transport at once.
const openers = 64

// connections counts those of HTTP/2 that streams opened at once end up on.
func (r *runner) connections() error {
	t := results.Table{
		Title: "HTTP/2 connections for streams that are opened at once",
		Note: fmt.Sprintf("dialled: that the server has seen. The least that is possible is N/L. net/http's Transport: %d openers; outlookstream: all watches start at once.",
			openers),
		Columns: []string{"streams N", "limit L", "client", "dialled", "open at the end", "dialled / (N/L)"},
	}
	n := r.size.connections
	for _, limit := range r.size.limits {
		for _, mode := range []string{modeOurs, modeBare} {
			clients, err := r.connectionsOf(mode, n, limit)
			if err != nil {
				return fmt.Errorf("%s, limit %d: %w", mode, limit, err)
			}
			least := (n + limit - 1) / limit
			ratio := float64(clients.Dialled) / float64(least)
			name := map[string]string{modeOurs: "outlookstream", modeBare: "net/http's Transport"}[mode]
			t.Rows = append(t.Rows, []string{fmt.Sprint(n), fmt.Sprint(limit), name, fmt.Sprint(clients.Dialled), fmt.Sprint(clients.Connections), fmt.Sprintf("%.2f", ratio)})
			r.value(fmt.Sprintf("connections.h2.%s.%d.dialled", mode, limit), float64(clients.Dialled))
			r.value(fmt.Sprintf("connections.h2.%s.%d.ratio", mode, limit), ratio)
		}
	}
	r.table(t)
	return nil
}

func (r *runner) connectionsOf(mode string, n, limit int) (clients census, err error) {
	server, address, err := r.server(serverConfig{Protocol: "h2", Mailboxes: n, Streams: limit})
	if err != nil {
		return clients, err
	}
	defer server.kill()
	client, err := r.client(address, clientConfig{Mode: mode, Protocol: "h2", KeepAlive: r.size.steadyAlive, ConnectRate: 1000})
	if err != nil {
		return clients, err
	}
	defer client.kill()
	start := opening{Streams: n}
	if mode == modeBare {
		start.AtOnce = openers
	}
	if err := client.do("open", start, nil); err != nil {
		return clients, err
	}
	if _, err := await(client, wanted{Open: n, Within: r.size.patience}); err != nil {
		return clients, err
	}
	err = server.do("census", nil, &clients)
	return clients, err
}
