package tokencache

import (
	"errors"
	"io/fs"
	"testing"
)

func TestSeveralErrorsAreOneLine(t *testing.T) {
	one, two := errors.New("one"), fs.ErrNotExist
	if err := join(nil, nil); err != nil {
		t.Errorf("nothing is %v", err)
	}
	if err := join(nil, one); err != one {
		t.Errorf("one error is %v", err)
	}
	err := join(one, nil, two)
	if err.Error() != "one; file does not exist" || !errors.Is(err, one) || !errors.Is(err, two) {
		t.Errorf("got %q", err)
	}
}
