//go:build realnet && linux

package realnet

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// The addresses are the same in every case: no two of them can see each other.
const (
	serverIP = "10.77.0.1"
	clientIP = "10.77.0.2"
	port     = "8443"
)

// namespacePrefix is followed by the process id of the run, so that runs do not
// collide, and a later one can tell what an earlier one left behind.
const namespacePrefix = "calwatch-realnet-"

// A network is two namespaces and the cable between them, eth0 in both.
type network struct {
	server, client string
}

var networks atomic.Int32

// prerequisites says what the machine lacks.
func prerequisites() error {
	var missing []error
	if os.Geteuid() != 0 {
		missing = append(missing, errors.New("root is needed, to make network namespaces"))
	}
	for program, pkg := range map[string]string{"ip": "iproute2", "nft": "nftables", "nginx": "nginx-light"} {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, fmt.Errorf("the program %s is missing: apt-get install %s", program, pkg))
		}
	}
	return errors.Join(missing...)
}

// newNetwork makes the two namespaces, which are gone when the test has ended.
func newNetwork(t *testing.T) network {
	t.Helper()
	name := fmt.Sprintf("%s%d-%d", namespacePrefix, os.Getpid(), networks.Add(1))
	n := network{server: name + "s", client: name + "c"}
	for _, namespace := range []string{n.server, n.client} {
		if out, err := exec.Command("ip", "netns", "add", namespace).CombinedOutput(); err != nil {
			t.Fatalf("CANNOT MAKE A NETWORK NAMESPACE, so nothing is proved here: ip netns add: %v: %s\nIt takes root with CAP_SYS_ADMIN and CAP_NET_ADMIN (in a container: --privileged).", err, out)
		}
		t.Cleanup(func() {
			if err := removeNamespace(namespace); err != nil {
				t.Error(err)
			}
		})
	}
	run(t, "ip", "link", "add", "eth0", "netns", n.server, "type", "veth", "peer", "name", "eth0", "netns", n.client)
	for namespace, ip := range map[string]string{n.server: serverIP, n.client: clientIP} {
		run(t, "ip", "-n", namespace, "addr", "add", ip+"/24", "dev", "eth0")
		run(t, "ip", "-n", namespace, "link", "set", "lo", "up")
		run(t, "ip", "-n", namespace, "link", "set", "eth0", "up")
	}
	return n
}

// removeNamespace ends what still runs in a namespace, and deletes it.
func removeNamespace(namespace string) error {
	out, err := exec.Command("ip", "netns", "pids", namespace).Output()
	if err != nil {
		return fmt.Errorf("ip netns pids %s: %w", namespace, err)
	}
	for pid := range strings.FieldsSeq(string(out)) {
		if id, err := strconv.Atoi(pid); err == nil {
			_ = syscall.Kill(id, syscall.SIGKILL) // it may have ended by itself
		}
	}
	if out, err := exec.Command("ip", "netns", "del", namespace).CombinedOutput(); err != nil {
		return fmt.Errorf("ip netns del %s: %w: %s", namespace, err, out)
	}
	return nil
}

// sweep removes what runs left behind that were killed before they could.
func sweep() error {
	out, err := exec.Command("ip", "netns", "list").Output()
	if err != nil {
		return fmt.Errorf("ip netns list: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		owner, ours := strings.CutPrefix(name, namespacePrefix)
		owner, _, _ = strings.Cut(owner, "-")
		pid, err := strconv.Atoi(owner)
		if !ours || err != nil || syscall.Kill(pid, 0) == nil {
			continue
		}
		if err := removeNamespace(name); err != nil {
			return err
		}
	}
	return nil
}

// rules puts packet filter rules in force in a namespace, in place of those
// that were: hook input, so that the sender's own kernel knows of nothing.
func rules(t *testing.T, namespace string, lines ...string) {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("flush ruleset\ntable inet calwatch {\nchain in {\ntype filter hook input priority 0; policy accept;\n")
	for _, line := range lines {
		fmt.Fprintln(&b, line)
	}
	b.WriteString("}\n}\n")
	c := exec.Command("ip", "netns", "exec", namespace, "nft", "-f", "-")
	c.Stdin = &b
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("nft: %v: %s", err, out)
	}
}

// noRules lets everything through again.
func noRules(t *testing.T, namespace string) {
	t.Helper()
	run(t, "ip", "netns", "exec", namespace, "nft", "flush", "ruleset")
}

// run runs a program that has to succeed.
func run(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v: %s", program, strings.Join(args, " "), err, out)
	}
}
