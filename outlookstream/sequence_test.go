package outlookstream

import "testing"

func TestSequence(t *testing.T) {
	for name, tt := range map[string]struct {
		numbers  []int64
		complete []bool
	}{
		"counts from one":              {[]int64{1, 2, 3}, []bool{true, true, true}},
		"the first is missing":         {[]int64{2, 3}, []bool{false, true}},
		"a number is skipped":          {[]int64{1, 3, 4}, []bool{true, false, true}},
		"backwards":                    {[]int64{1, 2, 1, 2}, []bool{true, true, false, true}},
		"twice the same is a repeat":   {[]int64{1, 1, 2}, []bool{true, true, true}},
		"no number says nothing":       {[]int64{1, 0, 2}, []bool{true, true, true}},
		"the counter of 32 bits wraps": {[]int64{1, -1 << 31, -1<<31 + 1}, []bool{true, false, true}},
	} {
		var s sequence
		for i, number := range tt.numbers {
			if got := s.accept(number); got != tt.complete[i] {
				t.Errorf("%s: number %d: complete = %v", name, number, got)
			}
		}
	}
}
