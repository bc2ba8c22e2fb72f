package tokencache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"
)

func TestTokensOutliveTheProcess(t *testing.T) {
	dir := newDir(t)
	must(t, newClient(openTest(t, dir, nil).Account("alex")).signIn(t.Context(), "mail"))
	c := newClient(openTest(t, dir, nil).Account("alex"))
	must(t, c.load(t.Context()))
	if len(c.has("RefreshToken")) != 1 {
		t.Error("the refresh token is gone")
	}
}

func TestAccountsAreApart(t *testing.T) {
	s := openTest(t, newDir(t), nil)
	must(t, newClient(s.Account("alex")).signIn(t.Context(), "mail"))
	c := newClient(s.Account("kim"))
	must(t, c.load(t.Context()))
	if len(c.has("RefreshToken")) != 0 {
		t.Error("kim has alex's token")
	}
}

func TestUnchangedFileIsNotParsedAgain(t *testing.T) {
	s := openTest(t, newDir(t), nil)
	c := newClient(s.Account("alex"))
	must(t, c.signIn(t.Context(), "mail")) // parses the empty cache
	for range 10 {
		must(t, c.load(t.Context()))
	}
	if c.parsed != 1 {
		t.Errorf("parsed %d times, want once", c.parsed)
	}
	must(t, newClient(s.Account("alex")).signIn(t.Context(), "calendar"))
	must(t, c.load(t.Context()))
	if c.parsed != 2 || len(c.has("RefreshToken")) != 2 {
		t.Errorf("after a change by another client: parsed %d times, %d tokens, want 2 and 2", c.parsed, len(c.has("RefreshToken")))
	}
}

// The file system may give the third writing the inode of the first, the same size, and, within one tick, the same time.
func TestRewrittenFileIsNotMistakenForTheLoadedOne(t *testing.T) {
	dir := newDir(t)
	s := openTest(t, dir, nil)
	c := newClient(s.Account("alex"))
	must(t, c.signIn(t.Context(), "aaaa"))
	must(t, c.load(t.Context()))
	path := filepath.Join(dir, s.sealer.name("alex"))
	before, err := os.Stat(path)
	must(t, err)
	content := s.sealer.sealRecord(filepath.Base(path), record{"alex", []byte(`{}`)})
	content = append(content, make([]byte, int(before.Size())-len(content))...)
	must(t, os.WriteFile(path, content, 0o600)) // the same inode
	must(t, os.Chtimes(path, time.Time{}, before.ModTime()))
	root, err := os.OpenRoot(dir)
	must(t, err)
	defer root.Close()
	known := c.accessor.(*accessor).at
	if got, v, err := readFile(root, filepath.Base(path), known); err != nil || got == nil || v.is(known) {
		t.Errorf("the rewritten file passes for the known one (%v)", err)
	}
}

func TestExpiredAccessTokensAreDroppedAndReloaded(t *testing.T) {
	s := openTest(t, newDir(t), nil)
	c := newClient(s.Account("alex"))
	must(t, c.change(t.Context(), func(sections map[string]map[string]any) {
		addTokens(sections, "mail")
		sections["AccessToken"]["old"] = map[string]any{"expires_on": fmt.Sprint(time.Now().Add(-time.Second).Unix())}
	}))
	must(t, c.load(t.Context()))
	if got := c.has("AccessToken"); len(got) != 1 || got["key-mail"] == nil {
		t.Errorf("%d access tokens, want the one that is good", len(got))
	}
}

func TestAccessorRefusesASecondClient(t *testing.T) {
	accessor := openTest(t, newDir(t), nil).Account("alex")
	must(t, newClient(accessor).signIn(t.Context(), "mail"))
	second := newClient(accessor)
	wantError(t, second.load(t.Context()), errOtherClient, "call Account for each client")
	wantError(t, accessor.Export(t.Context(), second, cache.ExportHints{}), errOtherClient)
}

func TestConcurrentCallsOfOneClientAndOfManyLoseNothing(t *testing.T) {
	s := openTest(t, newDir(t), nil)
	shared := newClient(s.Account("alex"))
	const writers, each = 8, 5
	var wg sync.WaitGroup
	for w := range writers {
		c := newClient(s.Account("alex"))
		wg.Go(func() {
			for i := range each {
				if err := errors.Join(c.signIn(t.Context(), fmt.Sprint("own", w, i)), shared.signIn(t.Context(), fmt.Sprint("shared", w, i))); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range each {
				if err := shared.load(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	c := newClient(s.Account("alex"))
	must(t, c.load(t.Context()))
	if n := len(c.has("RefreshToken")); n != 2*writers*each {
		t.Errorf("%d of %d sign-ins are stored", n, 2*writers*each)
	}
	must(t, shared.load(t.Context()))
	if n := len(shared.has("RefreshToken")); n != 2*writers*each {
		t.Errorf("the shared client sees %d of %d", n, 2*writers*each)
	}
}

// While a token is fetched over the network, the same client may be used for something else, and another process may write.
func TestReplaceWithoutMSALsLockKeepsMemoryAndNoteTogether(t *testing.T) {
	s := openTest(t, newDir(t), nil)
	reader := newClient(s.Account("alex"))
	writer := newClient(s.Account("alex"))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 25 {
				if err := reader.accessor.Replace(t.Context(), reader, cache.ReplaceHints{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 10 {
		must(t, writer.signIn(t.Context(), fmt.Sprint(i)))
	}
	wg.Wait()
	must(t, reader.load(t.Context()))
	if n := len(reader.has("RefreshToken")); n != 10 {
		t.Errorf("the reader's memory has %d of 10 tokens", n)
	}
}

func TestWaitingForALockEndsWithTheContext(t *testing.T) {
	dir := newDir(t)
	synctest.Test(t, func(t *testing.T) {
		s := openTest(t, dir, nil)
		c := newClient(s.Account("alex"))
		release, err := lock(t.Context(), s.root, lockOf(s.sealer.name("alex")))
		must(t, err)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantError(t, c.signIn(ctx, "mail"), context.DeadlineExceeded, "another process holds")

		begun := time.Now()
		wantError(t, c.signIn(t.Context(), "mail"), context.DeadlineExceeded)
		if waited := time.Since(begun); waited != defaultWait {
			t.Errorf("without a deadline it waited %s, want %s", waited, defaultWait)
		}

		release()
		must(t, c.signIn(t.Context(), "mail"))
	})
}

func TestWaitingForTheSameClientsOtherCallEndsWithTheContext(t *testing.T) {
	dir := newDir(t)
	synctest.Test(t, func(t *testing.T) {
		c := newClient(openTest(t, dir, nil).Account("alex"))
		release, err := c.accessor.(*accessor).take(t.Context())
		must(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantError(t, c.load(ctx), context.DeadlineExceeded, "waiting for the cache")
		wantError(t, c.accessor.Export(ctx, c, exportHints), context.DeadlineExceeded, "waiting for the cache")
		loaded := make(chan error)
		go func() { loaded <- c.load(t.Context()) }()
		synctest.Wait()
		release()
		must(t, <-loaded)
	})
}

func TestExportStoresAfterTheContextIfItNeedNotWait(t *testing.T) {
	s := openTest(t, newDir(t), nil)
	c := newClient(s.Account("alex"))
	c.edit(func(sections map[string]map[string]any) { addTokens(sections, "mail") })
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("why")
	cancel(why)
	must(t, c.accessor.Export(ctx, c, cache.ExportHints{}))
	err := c.load(ctx)
	wantError(t, err, context.Canceled)
	wantError(t, err, why)
	again := newClient(s.Account("alex"))
	must(t, again.load(t.Context()))
	if len(again.has("RefreshToken")) != 1 {
		t.Error("the token was not stored")
	}
}

func TestNothingPrintsASecret(t *testing.T) {
	s := openTest(t, newDir(t), nil)
	c := newClient(s.Account("alex"))
	must(t, c.signIn(t.Context(), "mail"))
	must(t, c.load(t.Context()))
	key, err := NewKey(theKey, "the test")
	must(t, err)
	inside := struct {
		key      Key
		pointer  *Key
		accessor cache.ExportReplace
		store    *Store
	}{key, &key, c.accessor, s}
	var logged bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&logged, nil))
	for _, v := range []any{key, &key, c.accessor, s, *s, s.sealer, inside, []Key{key}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%X", "%s", "%q", "%d"} {
			hasNoSecret(t, fmt.Sprintf("%s of a %T", verb, v), fmt.Sprintf(verb, v))
		}
		logger.Info("it", "value", v)
	}
	hasNoSecret(t, "the log", logged.String())
}
