package tokencache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"
)

var (
	emptyCache = []byte("{}")

	errOtherClient = errors.New("tokencache: this accessor belongs to another MSAL client; call Account for each client (on-behalf-of clients cannot use one)")
	errNoPointer   = errors.New("tokencache: the client of an accessor must be a pointer")
	errNotJSON     = errors.New("tokencache: the cache that MSAL handed over is not a JSON object")
	errRefused     = errors.New("tokencache: MSAL does not accept the stored cache")
	errMarshal     = errors.New("tokencache: MSAL cannot serialize its cache")
)

// Account returns MSAL's interface to the cache of one account. id is any name that the caller gives the account, and finds it by
// again: the home account id, or a user name.
//
// An accessor goes with one MSAL client and a client with one accessor, for good: it knows what that client has in memory, so
// as not to parse an unchanged file at every call, and to tell what the client removed from what it never had. Call Account
// again for another client of the same account; the two see each other's tokens. It ignores MSAL's hints, and is safe for concurrent use.
//
// Waiting for another process ends with the context, or after 10 s if that has no deadline. Export stores even if
// the context is over, provided that it need not wait: the refresh token that MSAL hands over may have used up the stored one.
// If Export fails, the client goes on with what it has, and Export may be called again at any time: until then, Replace
// merges what others have stored into what was not stored. Where both have changed the same entry, theirs counts, since what is
// stored late was there before: an old token must not take the place of a new sign-in's. If somebody has removed the account since Replace loaded it, Export
// stores nothing, as if the removal had come after.
func (s *Store) Account(id string) cache.ExportReplace {
	return &accessor{store: s, id: id, name: s.sealer.name(id), turn: make(chan struct{}, 1)}
}

// An accessor is an account's cache as one client sees it.
type accessor struct {
	store *Store
	id    string
	name  string

	// turn holds an element while somebody uses what is below. It is not a mutex because it is held while files are read and
	// MSAL parses: what was loaded and the note of it must not come apart, or an old note would pass for what is in memory.
	turn    chan struct{}
	client  any      // whose memory it is about; nil: not known yet
	loaded  bool     // false: what is in the client's memory is not known to be that of version
	at      *version // the file that was loaded
	base    hidden   // what the client's memory has in common with the store; nil: nothing
	exists  bool     // the store had the account when it was last looked at
	unsaved hidden   // what Export could not store; nil: nothing
}

// take waits for the accessor's turn.
func (a *accessor) take(ctx context.Context) (release func(), err error) {
	select {
	case a.turn <- struct{}{}:
		return func() { <-a.turn }, nil
	default:
	}
	select {
	case a.turn <- struct{}{}:
		return func() { <-a.turn }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("tokencache: waiting for the cache: %w", ended(ctx))
	}
}

// bind makes sure that the accessor always serves the same client. MSAL passes the same pointer each time.
func (a *accessor) bind(client any) error {
	if !reflect.ValueOf(client).Comparable() {
		return errNoPointer
	}
	if a.client == nil {
		a.client = client
	}
	if a.client != client {
		return errOtherClient
	}
	return nil
}

// Replace implements cache.ExportReplace.
func (a *accessor) Replace(ctx context.Context, client cache.Unmarshaler, _ cache.ReplaceHints) error {
	if ctx.Err() != nil {
		return fmt.Errorf("tokencache: %w", ended(ctx))
	}
	release, err := a.take(ctx)
	if err != nil {
		return err
	}
	damage, err := a.replace(ctx, client)
	release()
	a.store.report(damage)
	return err
}

func (a *accessor) replace(ctx context.Context, client cache.Unmarshaler) (damage, err error) {
	if err := a.bind(client); err != nil {
		return nil, err
	}
	r, v, damage, err := a.store.load(ctx, a.name, a.at)
	if err != nil || a.loaded && v.is(a.at) {
		return damage, err
	}
	stored, removed := a.meet(r, damage)
	if removed {
		a.unsaved = nil
	}
	memory := stored
	if a.unsaved != nil {
		// Others have stored something since Export failed, and are the later ones.
		m, err := merge(a.common(), stored, a.unsaved(), time.Now())
		if err != nil {
			return damage, errNotJSON
		}
		memory = m.cache
	}
	a.loaded, a.at = false, nil
	if client.Unmarshal(bytes.Clone(memory)) != nil { // MSAL's error may quote what it is about
		return damage, errRefused
	}
	a.loaded, a.at, a.base, a.exists = true, v, hide(stored), v != nil
	if a.unsaved != nil {
		a.unsaved = hide(memory)
	}
	return damage, nil
}

// meet takes in what is stored now, and reports whether somebody has removed it since it was last looked at. Damage is no
// removal: whatever the client has is all that is left.
func (a *accessor) meet(r *record, damage error) (stored []byte, removed bool) {
	if damage != nil {
		a.exists, a.base = false, nil
	}
	if r == nil {
		return emptyCache, a.exists
	}
	return r.Cache, false
}

// common is what the client's memory has in common with the store.
func (a *accessor) common() []byte {
	if a.base == nil {
		return emptyCache
	}
	return a.base()
}

// Export implements cache.ExportReplace.
func (a *accessor) Export(ctx context.Context, client cache.Marshaler, _ cache.ExportHints) error {
	release, err := a.take(ctx)
	if err != nil {
		return err
	}
	damage, err := a.export(ctx, client)
	release()
	a.store.report(damage)
	return err
}

func (a *accessor) export(ctx context.Context, client cache.Marshaler) (damage, err error) {
	if err := a.bind(client); err != nil {
		return nil, err
	}
	ours, err := client.Marshal()
	if err != nil {
		return nil, errMarshal
	}
	if !isObject(ours) {
		return nil, errNotJSON
	}
	ours = bytes.Clone(ours) // it is the client's
	damage, err = a.save(ctx, ours)
	a.unsaved = nil
	if err != nil {
		a.unsaved = hide(ours)
	}
	return damage, err
}

// save stores what becomes of ours and what is stored by now.
func (a *accessor) save(ctx context.Context, ours []byte) (damage, err error) {
	unlock, err := lock(ctx, a.store.root, lockOf(a.name))
	if err != nil {
		return nil, err
	}
	defer unlock()
	r, v, damage, err := a.store.loadLocked(a.name)
	if err != nil {
		return nil, err
	}
	stored, removed := a.meet(r, damage)
	if removed {
		return nil, nil
	}
	m, err := a.merge(ours, stored)
	if err != nil {
		return damage, errNotJSON
	}
	a.exists = r != nil
	if !m.theirs {
		if v, err = writeFile(a.store.root, a.name, a.store.sealer.sealRecord(a.name, record{ID: a.id, Cache: m.cache})); err != nil {
			return damage, err
		}
		a.exists = true
	}
	// If others have stored something since, or tokens have expired, the client's memory is not what is stored, and the
	// next Replace has to load it.
	a.base, a.loaded, a.at = hide(ours), false, nil
	if m.ours {
		a.loaded, a.at = true, v
	}
	return damage, nil
}

// merge returns what becomes of ours and what is stored. Of what could not be stored before, others are later who have stored
// something since; only what the client has changed after that is later than they are.
func (a *accessor) merge(ours, stored []byte) (merged, error) {
	now := time.Now()
	if a.unsaved == nil {
		return merge(a.common(), ours, stored, now)
	}
	late, err := merge(a.common(), stored, a.unsaved(), now)
	if err != nil {
		return merged{}, err
	}
	m, err := merge(a.unsaved(), ours, late.cache, now)
	m.theirs = m.theirs && late.ours // what is stored was ours in the first merge
	return m, err
}

// String shows neither the account nor, as fmt would, what was loaded.
func (a *accessor) String() string { return "tokencache.Account(" + a.name + ")" }

// Format writes String whatever the verb.
func (a *accessor) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, a.String()) }
