package tokencache

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

const keySize = 32 // bytes: AES-256

// A Key is the secret that a [Store] encrypts with. No way of printing, logging or encoding it shows the secret. The zero
// Key is no key.
type Key struct {
	secret hidden // keySize bytes
	source string
	fate   string // what becomes of keys from there, as a sentence without full stop; "": nothing that is known
}

// NewKey returns the key for a secret of 32 bytes, or for 44 characters of standard base64 that stand for 32 bytes, with or without a newline.
// source says in a few words, without a secret, where it comes from. The secret is copied.
func NewKey(secret []byte, source string) (Key, error) {
	raw := bytes.Clone(secret)
	if len(raw) != keySize {
		raw, _ = base64.StdEncoding.DecodeString(string(bytes.TrimRight(secret, "\r\n")))
	}
	// Zeros are what a crash leaves of a file that was not yet on the disk.
	if len(raw) != keySize || bytes.Equal(raw, make([]byte, keySize)) {
		return Key{}, fmt.Errorf("tokencache: %s holds %d bytes that are no key; a key is 32 random bytes, or their base64 (openssl rand -base64 32)", source, len(secret))
	}
	return Key{secret: hide(raw), source: source}, nil
}

// randomKey makes a key. Nothing has it but the caller.
func randomKey(source string) Key {
	secret := make([]byte, keySize)
	rand.Read(secret) // never fails
	return Key{secret: hide(secret), source: source}
}

// Source says where the key came from, for example "key file /etc/calwatch/key".
func (k Key) Source() string { return k.source }

// String is the source of the key.
func (k Key) String() string { return "tokencache.Key(" + k.source + ")" }

// Format writes String whatever the verb, %#v and %x included.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue gives log/slog the source.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText writes the source: a Key does not survive a round trip through JSON.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// A KeySource knows where the key is. Key returns an error for which errors.Is(err, ErrNoKey) is true if there is none at that
// place, and any other error if there is one that cannot be used. [Open] calls it once. Some sources of this package make a key that is missing, but not
// when Open finds that the directory has been written with another one, nor with [ExistingOnly].
type KeySource interface {
	Key() (Key, error)
}

// keySourceFunc is a KeySource that makes no key.
type keySourceFunc func() (Key, error)

func (f keySourceFunc) Key() (Key, error) { return f() }

// makingSource is a KeySource that may make the key if create is true.
type makingSource func(create bool) (Key, error)

func (f makingSource) Key() (Key, error) { return f(true) }

// find asks a source for the key. A source of this package makes one only if create is true; what somebody else's does is not known.
func find(source KeySource, create bool) (Key, error) {
	if making, ok := source.(makingSource); ok {
		return making(create)
	}
	return source.Key()
}

// noKeyError is ErrNoKey, with the places that were looked at, and why there is no key.
type noKeyError struct{ places []string }

func (e *noKeyError) Error() string {
	return "tokencache: " + ErrNoKey.Error() + " (" + strings.Join(e.places, "; ") + ")"
}

func (*noKeyError) Unwrap() error { return ErrNoKey }

// noKey is what a source returns that has none.
func noKey(source, why string) error { return &noKeyError{[]string{source + ": " + why}} }

// placesOf returns the places that were looked at, of an error that is ErrNoKey.
func placesOf(err error) []string {
	if none, ok := errors.AsType[*noKeyError](err); ok {
		return none.places
	}
	return []string{strings.TrimSuffix(err.Error(), ": "+ErrNoKey.Error())}
}

// First returns the key of the first source that has one; [Key.Source] tells which. Only a source without a key
// is passed over: one whose key cannot be used ends the search, since the next one's key would be another.
func First(sources ...KeySource) KeySource {
	return makingSource(func(create bool) (Key, error) {
		var tried []string
		for _, source := range sources {
			key, err := find(source, create)
			if !errors.Is(err, ErrNoKey) {
				return key, err
			}
			tried = append(tried, placesOf(err)...)
		}
		if len(tried) == 0 {
			tried = []string{"no source is configured"}
		}
		return Key{}, &noKeyError{tried}
	})
}
