package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestAMailboxFileHasOneAddressOnALine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rooms")
	writeFile(t, file, "\ufeff# the first floor\r\nroom1@contoso.com\r\n\r\n  room2@contoso.com\t# the small one\r\nroom#3@contoso.com\r\nvoilà#@contoso.com\nROOM1@contoso.com\r\n#room4@contoso.com")
	got, err := readMailboxFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"room1@contoso.com", "room2@contoso.com", "room#3@contoso.com", "voilà#@contoso.com"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestAMailboxFileThatIsNoneIsExplained(t *testing.T) {
	dir := t.TempDir()
	for name, test := range map[string]struct{ content, says string }{
		"two on a line": {"a@contoso.com\nb@contoso.com c@contoso.com", "line 2 is no address"},
		"no address":    {"\nroom1", "line 2 is no address"},
		"a terminal's":  {"a\x1b[31m@contoso.com", "line 1"},
		"UTF-16":        {"\xff\xfea\x00@\x00b\x00", "line 1"},
		"nothing":       {"# all of them have gone\n", "there is no address in it"},
		"too much":      {strings.Repeat("# nothing\n", maxMailboxFile/10+1), "too large"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
			writeFile(t, file, test.content)
			got, err := readMailboxFile(file)
			if err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), file) {
				t.Errorf("%q, %v, want an error that says %q", got, err, test.says)
			}
		})
	}
	if _, err := readMailboxFile(dir); err == nil {
		t.Error("a directory passes for a file")
	}
	if _, err := readMailboxFile(filepath.Join(dir, "none")); !os.IsNotExist(err) {
		t.Errorf("of no file: %v", err)
	}
}

func TestWhatIsInTheWrongFileIsNotShown(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	writeFile(t, file, "hunter2 and more\n")
	_, err := readMailboxFile(file)
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("it says: %v", err)
	}
}

func FuzzMailboxFile(f *testing.F) {
	for _, seed := range []string{"", "a@b", "# x\na@b # y\r\nA@B", "\ufeffa@b", "a@b\x00", "é@b\u2028c@d", "a@\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		addresses, err := parseMailboxes([]byte(content))
		if err == nil && len(addresses) == 0 {
			t.Error("neither addresses nor an error")
		}
		seen := make(map[string]bool)
		for _, address := range addresses {
			if !strings.Contains(address, "@") || !isLine(address) || !strings.Contains(content, address) {
				t.Errorf("%q is no address of the file", address)
			}
			if key := strings.ToLower(address); seen[key] {
				t.Errorf("%q is there twice", address)
			} else {
				seen[key] = true
			}
		}
	})
}
