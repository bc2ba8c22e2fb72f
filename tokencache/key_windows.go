package tokencache

import (
	"errors"
	"fmt"
	"io/fs"
	"unsafe"

	"golang.org/x/sys/windows"
)

// DPAPI keeps the key in a file that Windows has encrypted for the signed-in user. If it is missing, it is made, with a random
// key. On other systems it is ErrNoKey.
func DPAPI(path string) KeySource {
	return makingSource(func(create bool) (Key, error) {
		if !create {
			return readDPAPI(path)
		}
		return keyInFile(path, readDPAPI, func() ([]byte, error) {
			blob, err := protect(randomKey("").secret())
			if err != nil {
				return nil, fmt.Errorf("tokencache: %s: encrypting it: %w", dpapiSource(path), err)
			}
			return blob, nil
		})
	})
}

func dpapiSource(path string) string { return "DPAPI file " + path }

func readDPAPI(path string) (Key, error) {
	source := dpapiSource(path)
	blob, err := readSecretFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Key{}, noKey(source, "it does not exist")
	}
	if err != nil {
		return Key{}, err
	}
	secret, err := unprotect(blob)
	if err != nil {
		return Key{}, fmt.Errorf("tokencache: %s: Windows cannot decrypt it for this user: %w", source, err)
	}
	return NewKey(secret, source)
}

func protect(plain []byte) ([]byte, error) {
	in, out := dataBlob(plain), windows.DataBlob{}
	if err := windows.CryptProtectData(&in, nil, nil, 0, nil, windows.CRYPTPROTECT_UI_FORBIDDEN, &out); err != nil {
		return nil, err
	}
	return takeBlob(out), nil
}

func unprotect(blob []byte) ([]byte, error) {
	in, out := dataBlob(blob), windows.DataBlob{}
	if err := windows.CryptUnprotectData(&in, nil, nil, 0, nil, windows.CRYPTPROTECT_UI_FORBIDDEN, &out); err != nil {
		return nil, err
	}
	return takeBlob(out), nil
}

func dataBlob(b []byte) windows.DataBlob {
	return windows.DataBlob{Size: uint32(len(b)), Data: unsafe.SliceData(b)}
}

// takeBlob copies what Windows has allocated, wipes and frees it.
func takeBlob(blob windows.DataBlob) []byte {
	theirs := unsafe.Slice(blob.Data, blob.Size)
	ours := append([]byte(nil), theirs...)
	clear(theirs)
	_, _ = windows.LocalFree(windows.Handle(unsafe.Pointer(blob.Data)))
	return ours
}
