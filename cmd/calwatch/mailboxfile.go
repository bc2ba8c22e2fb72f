package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/calwatch/calwatch/outlookstream/ews"
)

// maxMailboxFile is more than all mailboxes have that one program can watch.
const maxMailboxFile = 4 << 20

// readMailboxFile returns the addresses in a file: one a line, without those
// that were there before. What comes after a # that begins a line or follows
// white space is a comment.
func readMailboxFile(path string) ([]string, error) {
	data, _, err := readRegular(path, maxMailboxFile)
	if err != nil {
		return nil, err
	}
	addresses, err := parseMailboxes(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return addresses, nil
}

func parseMailboxes(data []byte) ([]string, error) {
	var addresses []string
	seen := make(map[string]bool)
	lines := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	lines.Buffer(nil, maxMailboxFile+1)
	for number := 1; lines.Scan(); number++ {
		address := strings.TrimSpace(withoutComment(lines.Text()))
		if address == "" {
			continue
		}
		if _, err := ews.NewSet(ews.Mailbox{Address: address}); err != nil || !isLine(address) {
			return nil, fmt.Errorf("line %d is no address: one belongs on each line", number) // nor shown: it may be the wrong file
		}
		if key := strings.ToLower(address); !seen[key] {
			seen[key] = true
			addresses = append(addresses, address)
		}
	}
	if len(addresses) == 0 {
		return nil, errNoAddress
	}
	return addresses, lines.Err()
}

var errNoAddress = errors.New("there is no address in it")

func withoutComment(line string) string {
	for i, r := range line {
		if r == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i]
		}
	}
	return line
}
