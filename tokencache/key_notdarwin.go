//go:build !darwin

package tokencache

func systemKeychain() keychain { return nil }
