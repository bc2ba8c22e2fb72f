//go:build realdisk && linux

package diskfull

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"
)

func TestALoginThatCannotBeKeptFailsAndWorksWhenThereIsRoom(t *testing.T) {
	for _, first := range []bool{true, false} {
		inEveryTrouble(t, func(t *testing.T, d *disk, what trouble) {
			m := newMachine(t)
			if !first {
				m.login().end(0)
			}
			before := m.state()
			what.begin(m.disk)
			message := m.login().end(1)
			sum.tried("account")
			says(t, message, "calwatch: ", m.dir)
			if strings.Contains(message, "Signed in as") {
				t.Errorf("it calls that signed in:\n%s", message)
			}
			if !strings.Contains(message, what.errno.Error()) && !strings.Contains(message, "make room in") {
				t.Errorf("it does not say why:\n%s", message)
			}
			if !first {
				m.unchanged(before)
			}
			what.end(m.disk)
			m.login().end(0)
			m.isSignedIn()
		})
	}
}

func TestAWatchGoesOnWhileItsTokensCannotBeStored(t *testing.T) {
	for _, mended := range []string{"by the next renewal", "by the end", "never", "killed"} {
		t.Run(mended, func(t *testing.T) {
			t.Parallel()
			inEveryTrouble(t, func(t *testing.T, _ *disk, what trouble) {
				m := newMachine(t)
				m.login().end(0)
				w := m.watch()
				w.wait(w.stdout, `"reason":"started"`, 1)
				before := m.state()
				what.begin(m.disk)
				for i := range 2 { // two renewals, each with a refresh token that is good once
					m.server.SignIn().ExpireTokens()
					m.server.ExpireSubscriptions()
					w.wait(w.stdout, `"reason":"resubscribed"`, i+1)
					sum.tried("account")
				}
				w.wait(w.stderr, "could not be stored", 1)
				// Of each renewal: that it cannot be locked, that what the one before brought cannot be stored, nor what this one did.
				if n := strings.Count(w.stderr.String(), "level=WARN msg=\"msalauth"); n > 6 {
					t.Errorf("it warned %d times of two renewals:\n%s", n, w.stderr)
				}
				says(t, w.stderr.String(), what.errno.Error(), m.dir)
				m.unchanged(before)
				switch mended {
				case "by the next renewal":
					what.end(m.disk)
					m.server.SignIn().ExpireTokens()
					m.server.ExpireSubscriptions()
					w.wait(w.stdout, `"reason":"resubscribed"`, 3)
					w.terminate()
					m.isSignedIn()
				case "by the end":
					what.end(m.disk)
					w.terminate()
					m.isSignedIn()
				case "killed":
					if err := w.cmd.Process.Kill(); err != nil {
						t.Fatal(err)
					}
					<-w.done
					m.unchanged(before)
					what.end(m.disk)
					m.login().end(0)
					m.isSignedIn()
				default:
					says(t, w.terminate(), "are lost with this process", m.dir, "run calwatch login")
					m.unchanged(before)
					what.end(m.disk)
					m.login().end(0)
					m.isSignedIn()
				}
			})
		})
	}
}

func TestALogoutIsOneOnlyIfTheFileIsGone(t *testing.T) {
	for _, args := range [][]string{{"logout"}, {"logout", "--all"}, {"logout", "alex@contoso.test"}, {"logout", "--all", "--cache-key", "none"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			inEveryTrouble(t, func(t *testing.T, _ *disk, what trouble) {
				m := newMachine(t)
				m.login().end(0)
				before := m.state()
				what.begin(m.disk)
				list := m.start("accounts")
				list.end(0)
				says(t, list.stdout.String(), "alex@contoso.test")
				sum.tried("account")
				if what.errno == syscall.EROFS {
					message := m.start(args...).end(1)
					says(t, message, "calwatch: ", m.dir, what.errno.Error())
					if strings.Contains(message, "Signed out") {
						t.Errorf("it calls that signed out:\n%s", message)
					}
					m.unchanged(before)
					what.end(m.disk)
					m.start(args...).end(0)
				} else {
					says(t, m.start(args...).end(0), "Signed out")
					what.end(m.disk)
				}
				list = m.start("accounts")
				list.end(0)
				if list.stdout.String() != "" || len(m.state()) >= len(before) {
					t.Errorf("it is still there: %s", list.stdout)
				}
			})
		})
	}
}

func TestAFakeServerThatCannotWriteItsCertificateSaysSoAndLeavesTheOldOne(t *testing.T) {
	inEveryTrouble(t, func(t *testing.T, _ *disk, what trouble) {
		if what.name == "a page is left" {
			return // that is enough for a certificate
		}
		m := newMachine(t)
		first := m.start("fakeserver", "--dir", m.path("fake"))
		first.wait(first.stdout, "\n", 1)
		var ready struct {
			CAFile string `json:"ca_file"`
		}
		if err := json.Unmarshal([]byte(first.stdout.String()), &ready); err != nil {
			t.Fatal(err)
		}
		first.terminate()
		before := m.state()
		what.begin(m.disk)
		says(t, m.start("fakeserver", "--dir", m.path("fake")).end(1), "calwatch: ", ready.CAFile, what.errno.Error())
		says(t, m.start("fakeserver").end(1), "calwatch: ", m.dir, what.errno.Error()) // with a directory of its own
		sum.tried("certificate of the fake server")
		m.unchanged(before)
		what.end(m.disk)
		m.unchanged(before)
		again := m.start("fakeserver", "--dir", m.path("fake"))
		again.wait(again.stdout, "\n", 1)
		again.terminate()
	})
}
