// Measurements, apart from the library, so that those who import it do not
// inherit the libraries it is compared with.
module github.com/calwatch/calwatch/internal/bench

go 1.26.0

replace github.com/calwatch/calwatch => ../..
