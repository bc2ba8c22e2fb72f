package service

import "errors"

// MaxErrorText bounds, in bytes, the text of an error of the standard library.
const MaxErrorText = 4 << 10

// Cleaned makes sure that an error's text is presentable. The standard library
// quotes what the peer sent, which may be the token that it was sent; where it
// did, nothing of the chain is kept, as it would tell, but which of keep it is,
// or that it is about a certificate.
func Cleaned(err error, present func(text string, limit int) string, keep ...error) error {
	text := err.Error()
	clean := present(text, MaxErrorText)
	if clean == text {
		return err
	}
	for _, class := range keep {
		if errors.Is(err, class) {
			return &cleanedError{clean, class}
		}
	}
	if IsCertificateError(err) {
		return &cleanedError{clean, errUntrusted}
	}
	return errors.New(clean)
}

// A cleanedError has the text of an error that may not be shown, and its class.
type cleanedError struct {
	text  string
	class error
}

func (e *cleanedError) Error() string { return e.text }

func (e *cleanedError) Unwrap() error { return e.class }
