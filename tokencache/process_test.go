package tokencache

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// The test binary is also the other processes: with roleVariable set it plays a part instead of running tests.
const (
	roleVariable   = "TOKENCACHE_TEST_ROLE"
	dirVariable    = "TOKENCACHE_TEST_DIR"
	workerVariable = "TOKENCACHE_TEST_WORKER"
)

func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	if role == "" {
		os.Exit(m.Run())
	}
	roles := map[string]func(*Store) error{"sign-ins": signIns, "loop": writeLoop}
	maps.Copy(roles, platformRoles())
	s, err := Open(os.Getenv(dirVariable), fixedKey(theKey))
	if err == nil {
		err = roles[role](s)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// process prepares another process.
func process(t *testing.T, role, dir, worker string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	must(t, err)
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), roleVariable+"="+role, dirVariable+"="+dir, workerVariable+"="+worker,
		"GORACE=atexit_sleep_ms=0") // else each waits a second before it ends
	return cmd
}

const processes, signInsEach = 8, 25

func signIns(s *Store) error {
	worker := os.Getenv(workerVariable)
	shared, own := newClient(s.Account("shared")), newClient(s.Account("own-"+worker))
	for i := range signInsEach {
		scope := fmt.Sprint(worker, "-", i)
		if err := shared.signIn(context.Background(), scope); err != nil {
			return err
		}
		if i%5 == 0 {
			if err := own.signIn(context.Background(), scope); err != nil {
				return err
			}
		}
	}
	return nil
}

func TestProcessesThatSignInAtTheSameTimeLoseNothing(t *testing.T) {
	dir := newDir(t)
	var wg sync.WaitGroup
	for worker := range processes {
		cmd := process(t, "sign-ins", dir, fmt.Sprint(worker)) // the first ones make the store
		wg.Go(func() {
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("process %d: %v: %s", worker, err, out)
			}
		})
	}
	wg.Wait()
	s := openTest(t, dir, nil)
	want := map[string]int{"shared": processes * signInsEach}
	for worker := range processes {
		want[fmt.Sprint("own-", worker)] = signInsEach / 5
	}
	for id, n := range want {
		c := newClient(s.Account(id))
		must(t, c.load(t.Context()))
		for _, section := range []string{"AccessToken", "RefreshToken"} {
			if got := len(c.has(section)); got != n {
				t.Errorf("account %s, section %s: %d of %d entries", id, section, got, n)
			}
		}
	}
	infos, err := s.Accounts()
	if err != nil || len(infos) != processes+1 {
		t.Errorf("%d accounts, %v", len(infos), err)
	}
}

// writeLoop writes until it is killed, a line before each writing.
func writeLoop(s *Store) error {
	c := newClient(s.Account("alex"))
	for i := 0; ; i++ {
		fmt.Println(i)
		err := c.change(context.Background(), func(sections map[string]map[string]any) {
			addTokens(sections, "mail")
			sections["RefreshToken"]["big"] = map[string]any{"secret": strings.Repeat(fmt.Sprint(i%10), 50_000)}
		})
		if err != nil {
			return err
		}
	}
}

func TestKilledWriterLeavesAReadableFile(t *testing.T) {
	dir := newDir(t)
	s := openTest(t, dir, nil)
	must(t, newClient(s.Account("alex")).signIn(t.Context(), "before"))
	for round := range 10 {
		cmd := process(t, "loop", dir, "")
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for range 2 + round%5 {
			if !lines.Scan() {
				t.Fatalf("the writer ended: %v", lines.Err())
			}
		}
		must(t, cmd.Process.Kill())
		if err := cmd.Wait(); err == nil {
			t.Fatal("the writer was not killed")
		}
		// Nobody holds the lock, and what is there is whole, with what was there before.
		c := newClient(openTest(t, dir, nil).Account("alex"))
		must(t, c.signIn(t.Context(), "after"))
		if got := c.has("RefreshToken"); got["key-before"] == nil || got["key-after"] == nil || got["big"] == nil {
			t.Fatalf("round %d: %d tokens are left", round, len(got))
		}
	}
	if bad := files(t, dir, func(name string) bool { return strings.HasSuffix(name, badSuffix) }); len(bad) > 0 {
		t.Errorf("set aside: %v", bad)
	}
}
