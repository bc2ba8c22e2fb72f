//go:build exchangelib

package exchangelib

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver"
)

// A process is "calwatch fakeserver", as anybody would run it.
type process struct {
	*testing.T
	http  *http.Client
	ca    []byte
	ready struct {
		EWS     string `json:"ews_url"`
		CAFile  string `json:"ca_file"`
		Control string `json:"control"`
	}
}

func startProcess(t *testing.T) *process {
	t.Helper()
	program := filepath.Join(t.TempDir(), "calwatch")
	if out, err := exec.Command("go", "build", "-o", program, "../../../cmd/calwatch").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := exec.Command(program, "fakeserver", "--control", "--max-connection", "1s", "--ews-heartbeat", "250ms")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("calwatch fakeserver: %v", err)
		}
	})
	p := &process{T: t}
	if err := json.NewDecoder(out).Decode(&p.ready); err != nil {
		t.Fatal(err)
	}
	if p.ca, err = os.ReadFile(p.ready.CAFile); err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(p.ca)
	p.http = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}}
	return p
}

// changes has as many items come into a mailbox's inbox, and returns their ids.
func (p *process) changes(mailbox string, n int) map[string]bool {
	p.Helper()
	body := fmt.Sprintf(`{"user":%q,"resource":"me/messages","change":"Created","count":%d}`, mailbox, n)
	resp, err := p.http.Post(p.ready.Control+"/changes", "application/json", bytes.NewReader([]byte(body)))
	if err != nil {
		p.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	var entries []fakeserver.Entry
	if err != nil || resp.StatusCode != http.StatusOK || json.Unmarshal(answer, &entries) != nil || len(entries) != n {
		p.Fatalf("%v: %s: %s", err, resp.Status, answer)
	}
	made := make(map[string]bool)
	for _, e := range entries {
		made[e.ID] = true
	}
	return made
}

func TestExchangelibIsToldOfEverythingByTheProgramByBasicAndByNTLM(t *testing.T) {
	const mailbox, n = "alex@contoso.test", 20
	p, all := startProcess(t), 0
	for _, ntlm := range []bool{false, true} {
		w := &world{T: t, client: startScript(t, p.ca)}
		w.do(order{Do: "open_account", Mailbox: mailbox, URL: p.ready.EWS, User: mailbox, Password: fakeserver.DefaultPassword, NTLM: ntlm}, nil)
		streaming := w.do(order{Do: "subscribe", Mailbox: mailbox, Folders: watched, Kind: "streaming"}, nil).Subscription
		pulling := w.do(order{Do: "subscribe", Mailbox: mailbox, Folders: watched, Kind: "pull"}, nil)
		made := p.changes(mailbox, n)
		for kind, o := range map[string]order{
			"stream": {Do: "stream", Subscriptions: []string{streaming}},
			"pull":   {Do: "pull", Subscription: pulling.Subscription, Watermark: pulling.Watermark},
		} {
			o.Mailbox, o.Folders = mailbox, watched
			told := make(map[string]bool)
			for more := true; more; {
				d := w.do(o, func(l line) {
					if l.Event.Type == "CreatedEvent" && l.Event.Item != "" {
						told[l.Event.Item] = true
					}
				})
				o.Watermark, more = d.Watermark, d.More
			}
			for id := range made {
				if all++; !told[id] {
					t.Errorf("NTLM %v, %s: nothing was told of %s", ntlm, kind, id)
				}
			}
		}
		for _, id := range []string{streaming, pulling.Subscription} {
			w.do(order{Do: "unsubscribe", Mailbox: mailbox, Folders: watched, Subscription: id}, nil)
		}
	}
	t.Logf("exchangelib: %d changes at calwatch fakeserver, by Basic and by NTLM, by streams and by pull: all were told of", all)
}
