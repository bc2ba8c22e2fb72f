package tokencache

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// The test binary is also the other processes: with roleVariable set it plays a part instead of running tests.
const (
	roleVariable   = "TOKENCACHE_TEST_ROLE"
	dirVariable    = "TOKENCACHE_TEST_DIR"
	workerVariable = "TOKENCACHE_TEST_WORKER"
	roundVariable  = "TOKENCACHE_TEST_ROUND"
)

func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	if role == "" {
		os.Exit(m.Run())
	}
	roles := map[string]func(*Store) error{"sign-ins": signIns, "loop": writeLoop, "renew": renewForever}
	maps.Copy(roles, platformRoles())
	s, err := Open(os.Getenv(dirVariable), fixedKey(theKey), OnDamaged(func(err error) {
		fmt.Println(err)
		os.Exit(1)
	}))
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

const processes, roundsEach = 8, 25

// signIns plays rounds, from the given one on, and says which it has done. Each is a sign-in to the account that all share, and one to an
// account of its own.
func signIns(s *Store) error {
	worker := os.Getenv(workerVariable)
	from, err := strconv.Atoi(os.Getenv(roundVariable))
	if err != nil {
		return err
	}
	shared := newClient(s.Account("shared"))
	for round := from; round < roundsEach; round++ {
		name := fmt.Sprint(worker, "-", round)
		if err := shared.signIn(context.Background(), name); err != nil {
			return err
		}
		if err := newClient(s.Account("own-"+name)).signIn(context.Background(), name); err != nil {
			return err
		}
		fmt.Println(round)
	}
	return nil
}

// work has a process play all rounds of a worker. It is killed every few rounds, in the middle of the next one, and another one takes over.
func work(t *testing.T, dir string, worker int) (kills int) {
	for next, patience := 0, 2+worker%3; next < roundsEach; {
		cmd := process(t, "sign-ins", dir, fmt.Sprint(worker))
		cmd.Env = append(cmd.Env, roundVariable+"="+fmt.Sprint(next))
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Error(err)
			return kills
		}
		last, killed := next+patience, false
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if lines.Text() != fmt.Sprint(next) {
				t.Errorf("worker %d, round %d: %s", worker, next, lines.Text())
				break
			}
			if next++; next >= last && !killed {
				killed = true
				_ = cmd.Process.Kill()
			}
		}
		if err := cmd.Wait(); err != nil && !killed {
			t.Errorf("worker %d: %v", worker, err)
			return kills
		} else if err != nil {
			kills++
		}
	}
	return kills
}

func TestProcessesThatAreKilledInBetweenLoseNothing(t *testing.T) {
	dir := newDir(t)
	var kills [processes]int
	var wg sync.WaitGroup
	for worker := range processes { // the first ones make the store
		wg.Go(func() { kills[worker] = work(t, dir, worker) })
	}
	wg.Wait()
	total := 0
	for _, n := range kills {
		total += n
	}
	if total < processes { // about 50
		t.Errorf("only %d processes were killed", total)
	}
	s := openTest(t, dir, nil)
	has := func(id string) map[string]any {
		c := newClient(s.Account(id))
		must(t, c.load(t.Context()))
		if a, r := c.has("AccessToken"), c.has("RefreshToken"); len(a) != len(r) {
			t.Errorf("account %s has %d access tokens and %d refresh tokens", id, len(a), len(r))
		}
		return c.has("RefreshToken")
	}
	shared := has("shared")
	for worker := range processes {
		for round := range roundsEach {
			name := fmt.Sprint(worker, "-", round)
			if shared["key-"+name] == nil {
				t.Errorf("sign-in %s to the shared account is lost", name)
			}
			if own := has("own-" + name); len(own) != 1 || own["key-"+name] == nil {
				t.Errorf("account own-%s has %d tokens", name, len(own))
			}
		}
	}
	infos, err := s.Accounts()
	if err != nil || len(infos) != processes*roundsEach+1 || len(shared) != processes*roundsEach {
		t.Errorf("%d accounts, %d tokens of the shared one, %v", len(infos), len(shared), err)
	}
	must(t, s.RemoveAll()) // what those that were killed left over, too
	if left := files(t, dir, notLock); len(left) > 0 {
		t.Errorf("left: %v", left)
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
	for round := range 5 {
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
