// Package diskfull has only tests: of what becomes of the files that this project writes when the disk is full, out of inodes,
// read-only or gone. They mount file systems of their own, which takes root on Linux, so they are behind a build tag:
//
//	go test -tags realdisk -count=1 -parallel 8 -v ./internal/diskfull/
//
// The mounts are in a mount namespace of the tests' own: nothing of them is left, and nobody else sees them. Where that is not
// possible, the tests fail.
package diskfull
