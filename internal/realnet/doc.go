// Package realnet holds no code, only tests: a watch and the fake service as two processes in two network namespaces of
// Linux, with a kernel between them, and a real proxy, that fail in earnest. The watch is one over the REST API, with
// HTTP/1.1 and HTTP/2, or one of three mailboxes over Exchange Web Services, again with both.
//
// They need root, and the programs ip, nft and nginx, so they stand behind a build tag:
//
//	go test -tags realnet -count=1 -v ./internal/realnet/
//
// With -docs they write what they measured into docs/testing.md.
package realnet
