package service

import "context"

// Because prefers the reason why a request was cancelled to the news that it
// was.
func Because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
