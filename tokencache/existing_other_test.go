//go:build !linux && !windows

package tokencache

import "testing"

func addMakers(*testing.T, map[string]func() (KeySource, func() bool)) {}
