//go:build !linux

package tokencache

// Keyring keeps the key in the kernel's keyring on Linux. On this system it is ErrNoKey.
func Keyring(description string) KeySource {
	return keySourceFunc(func() (Key, error) {
		return Key{}, noKey("kernel keyring, key "+description, "only Linux has one")
	})
}
