package tokencache

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
)

// A stored file is magic, version, nonce, ciphertext and tag. The nonce is random, so it also tells two writings of a file apart.
const (
	magic         = "tokc"
	formatVersion = 1
	nonceSize     = 12
	headerSize    = len(magic) + 1 + nonceSize
	tagSize       = 16
)

// namesEncoding makes file names that mean the same where case does not count.
var namesEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// A sealer encrypts files and names them.
type sealer struct {
	aead    cipher.AEAD
	nameKey hidden
}

// newSealer derives one key for each purpose.
func newSealer(key Key) (*sealer, error) {
	if key.secret == nil {
		return nil, fmt.Errorf("tokencache: the key is empty: %w", ErrNoKey)
	}
	fileKey, err := hkdf.Expand(sha256.New, key.secret(), "tokencache files", keySize)
	if err != nil {
		return nil, fmt.Errorf("tokencache: deriving the keys: %w", err)
	}
	nameKey, err := hkdf.Expand(sha256.New, key.secret(), "tokencache names", keySize)
	if err != nil {
		return nil, fmt.Errorf("tokencache: deriving the keys: %w", err)
	}
	block, err := aes.NewCipher(fileKey)
	if err != nil {
		return nil, fmt.Errorf("tokencache: deriving the keys: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("tokencache: deriving the keys: %w", err)
	}
	return &sealer{aead: aead, nameKey: hide(nameKey)}, nil
}

// name is the name of an account's file.
func (s *sealer) name(account string) string {
	mac := hmac.New(sha256.New, s.nameKey())
	mac.Write([]byte(account))
	return namesEncoding.EncodeToString(mac.Sum(nil))
}

// isAccountFile tells the files of accounts from all others in the directory.
func isAccountFile(name string) bool {
	raw, err := namesEncoding.DecodeString(name)
	return err == nil && len(raw) == sha256.Size
}

// seal makes the content of the file called name.
func (s *sealer) seal(name string, plain []byte) []byte {
	file := make([]byte, 0, headerSize+len(plain)+tagSize)
	file = append(file, magic...)
	file = append(file, formatVersion)
	return s.aead.Seal(file, nil, plain, []byte(name))
}

// errNewer: the file is not damaged, and must stay where it is.
var errNewer = errors.New("it was written by a later version of this program; use that one")

// open is the reverse of seal. Its errors are errNewer and those that are ErrDamaged.
func (s *sealer) open(name string, file []byte) ([]byte, error) {
	rest, ok := bytes.CutPrefix(file, []byte(magic))
	switch {
	case len(file) == 0:
		return nil, fmt.Errorf("it is empty, or far too large: %w", ErrDamaged)
	case !ok || len(rest) == 0:
		return nil, fmt.Errorf("it does not begin as a token cache does: %w", ErrDamaged)
	case rest[0] > formatVersion:
		return nil, errNewer
	case rest[0] != formatVersion:
		return nil, fmt.Errorf("its format is unknown: %w", ErrDamaged)
	case len(file) < headerSize+tagSize:
		return nil, fmt.Errorf("it is cut off: %w", ErrDamaged)
	}
	plain, err := s.aead.Open(nil, nil, rest[1:], []byte(name))
	if err != nil {
		return nil, fmt.Errorf("it does not authenticate: it was changed, or is another file's copy: %w", ErrDamaged)
	}
	return plain, nil
}

// A record is what an account's file holds: the length of the id as a varint, the id, and the cache. To have it in
// JSON, too, would be to look at each byte of the cache three times more.
type record struct {
	ID    string // as given to Account: the file's name does not tell
	Cache []byte // MSAL's serialized cache, a JSON object
}

// openRecord opens the file called name and takes it apart. Errors are those of open.
func (s *sealer) openRecord(name string, file []byte) (record, error) {
	plain, err := s.open(name, file)
	if err != nil {
		return record{}, err
	}
	size, n := binary.Uvarint(plain)
	if n <= 0 || size > uint64(len(plain)-n) {
		return record{}, fmt.Errorf("it holds no account: %w", ErrDamaged)
	}
	id, cache := plain[n:n+int(size)], plain[n+int(size):]
	if !isObject(cache) {
		return record{}, fmt.Errorf("the cache in it is not a JSON object: %w", ErrDamaged)
	}
	return record{ID: string(id), Cache: cache}, nil
}

// sealRecord makes the content of an account's file.
func (s *sealer) sealRecord(name string, r record) []byte {
	plain := binary.AppendUvarint(nil, uint64(len(r.ID)))
	return s.seal(name, append(append(plain, r.ID...), r.Cache...))
}
