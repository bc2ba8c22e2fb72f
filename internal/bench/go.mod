// Measurements, apart from the library, so that those who import it do not
// inherit the libraries it is compared with.
module github.com/calwatch/calwatch/internal/bench

go 1.26.0

replace github.com/calwatch/calwatch => ../..

require github.com/calwatch/calwatch v0.0.0

require (
	github.com/cenkalti/backoff/v4 v4.3.0 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/json-iterator/go v1.1.12 // indirect
	github.com/modern-go/concurrent v0.0.0-20180228061459-e0a39a4cb421 // indirect
	github.com/modern-go/reflect2 v1.0.2 // indirect
)
