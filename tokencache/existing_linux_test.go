package tokencache

import "testing"

func addMakers(_ *testing.T, all map[string]func() (KeySource, func() bool)) {
	all["keyring"] = func() (KeySource, func() bool) {
		keys := new(fakeKernel)
		return keyringKey("calwatch", keys), func() bool { return keys.content != nil }
	}
}
