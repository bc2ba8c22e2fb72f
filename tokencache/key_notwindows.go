//go:build !windows

package tokencache

// DPAPI keeps the key in a file that Windows has encrypted for the signed-in user. On this system it is ErrNoKey.
func DPAPI(path string) KeySource {
	return keySourceFunc(func() (Key, error) {
		return Key{}, noKey("DPAPI file "+path, "only Windows has DPAPI")
	})
}
