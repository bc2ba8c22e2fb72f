//go:build realnet && linux

package realnet

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// upstream is where the service is, when it is behind a proxy.
const upstream = "127.0.0.1:8080"

// A proxy is nginx in the server's namespace, with TLS.
type proxy struct {
	*process
	w          *world
	dir        string
	directives string
}

func startProxy(t *testing.T, w *world, directives string) *proxy {
	t.Helper()
	p := &proxy{w: w, dir: t.TempDir(), directives: directives}
	p.start(t)
	return p
}

func (p *proxy) file(name string) string { return filepath.Join(p.dir, name) }

// configure writes the configuration. Directives before a line with "---" are
// for all of nginx, those after it for the location.
func (p *proxy) configure(t *testing.T) {
	t.Helper()
	main, location, split := strings.Cut(p.directives, "---")
	if !split {
		main, location = "", p.directives
	}
	version := ""
	if isHTTP2(p.w.protocol) {
		version = " http2"
	}
	var temp strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temp, "%s_temp_path %s;\n", kind, p.file(kind))
	}
	text := fmt.Sprintf(`user root;
daemon off;
worker_processes 1;
pid %s;
error_log %s info;
%s
events { worker_connections 256; }
http {
	access_log off;
	%s
	server {
		listen %s:%s ssl%s;
		ssl_certificate %s;
		ssl_certificate_key %s;
		location / {
			proxy_pass http://%s;
			proxy_http_version 1.1;
			proxy_set_header Host $http_host;
			%s
		}
	}
}
`, p.file("nginx.pid"), p.file("error.log"), main, temp.String(), serverIP, port, version, p.w.cert.CertFile, p.w.cert.KeyFile, upstream, location)
	if err := os.WriteFile(p.file("nginx.conf"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// start starts it and waits until it listens.
func (p *proxy) start(t *testing.T) {
	t.Helper()
	p.configure(t)
	_ = os.Remove(p.file("nginx.pid")) // of one that was killed
	p.process = &process{cmd: exec.Command("ip", "netns", "exec", p.w.network.server,
		"nginx", "-p", p.dir, "-c", p.file("nginx.conf"), "-e", p.file("error.log"))}
	p.process.start(t, func() {})
	for deadline := time.Now().Add(patience); ; p.w.lets(20 * time.Millisecond) {
		if _, err := os.Stat(p.file("nginx.pid")); err == nil { // written when it listens
			return
		}
		select {
		case <-p.done:
			t.Fatalf("nginx ended: %s", p.stderr)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("nginx does not come up: %s", p.stderr)
		}
	}
}

// reload has new workers take over with other directives. The old ones serve
// on what they have.
func (p *proxy) reload(t *testing.T, directives string) {
	t.Helper()
	p.directives = directives
	p.configure(t)
	_ = p.cmd.Process.Signal(syscall.SIGHUP) // to the master only
}

// log is the end of what nginx wrote.
func (p *proxy) log() string {
	f, err := os.Open(p.file("error.log"))
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	b, _ := io.ReadAll(io.LimitReader(f, 16<<10))
	return string(b)
}
