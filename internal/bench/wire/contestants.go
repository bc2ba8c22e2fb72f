package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	v2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	goccy "github.com/goccy/go-json"
	jsoniter "github.com/json-iterator/go"

	"github.com/calwatch/calwatch/internal/bench/data"
	"github.com/calwatch/calwatch/outlookstream"
)

// The contestants. Bare reads the response and knows from the start how long
// its elements are; what it takes is what cannot be saved.
const (
	bare      = "bare"
	bareOwn   = "bare-own-transport" // the same through outlookstream.NewTransport
	ours      = "ours"               // Client.Open, Stream.Next
	oursWatch = "ours-watch"         // the loop over Client.Watch
	std       = "encoding-json"
	goccyJSON = "goccy"
	jsonText  = "jsontext"
	jsonIter  = "json-iterator"
)

func contestants() []string {
	return []string{bare, bareOwn, ours, std, goccyJSON, jsonText, jsonIter}
}

// errEnough is how whoever gets elements says that it has had enough.
var errEnough = errors.New("enough")

// run reads one stream to its end, and calls each for every element.
func (c clientConfig) run(ctx context.Context, via *via, each func(element any) error) error {
	switch c.Contestant {
	case ours:
		return runStream(ctx, via, each)
	case oursWatch:
		return runWatch(ctx, via, each)
	}
	body, err := via.open(ctx)
	if err != nil {
		return err
	}
	defer body.Close()
	switch c.Contestant {
	case bare, bareOwn:
		return runBare(body, c.source(), each)
	case std:
		return runTokens(json.NewDecoder(body), each)
	case goccyJSON:
		return runTokens(goccy.NewDecoder(body), each)
	case jsonText:
		return runJSONText(body, each)
	case jsonIter:
		return runIterator(body, each)
	default:
		return fmt.Errorf("there is no contestant %q", c.Contestant)
	}
}

func runStream(ctx context.Context, via *via, each func(any) error) error {
	stream, err := via.client.Open(ctx, data.SubscriptionID)
	if err != nil {
		return err
	}
	defer stream.Close()
	for {
		n, err := stream.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := each(n); err != nil {
			return err
		}
	}
}

// runWatch needs elements whose numbers go on. It does not survive the end of
// its connection, as a watch does.
func runWatch(ctx context.Context, via *via, each func(any) error) error {
	started := false
	for event, err := range via.client.Watch(ctx, outlookstream.Resource{Path: "me/events"}) {
		if err != nil {
			return err
		}
		if event.Kind == outlookstream.Resync {
			if started || !errors.Is(event.Reason, outlookstream.ErrStarted) {
				return event.Reason
			}
			started = true
			continue
		}
		if err := each(event); err != nil {
			return err
		}
	}
	return nil
}

// runBare passes no elements, only the fact that the last byte of one has come.
func runBare(body io.Reader, src *source, each func(any) error) error {
	buf := make([]byte, 32<<10) // io.Copy's
	have, end := 0, len(data.Head)
	for i := 0; ; i++ {
		end += src.size(i)
		if i > 0 {
			end++
		}
		for have < end {
			n, err := body.Read(buf)
			have += n
			if err == io.EOF && have < end {
				return nil
			}
			if err != nil && err != io.EOF {
				return err
			}
		}
		if err := each(nil); err != nil {
			return err
		}
	}
}

// A tokenDecoder is the interface that encoding/json has given to others.
type tokenDecoder[Token any] interface {
	Token() (Token, error)
	More() bool
	Decode(v any) error
}

func runTokens[Token any](d tokenDecoder[Token], each func(any) error) error {
	for {
		token, err := d.Token()
		if err != nil {
			return err
		}
		if any(token) == "value" {
			break
		}
	}
	if _, err := d.Token(); err != nil { // [
		return err
	}
	for d.More() {
		h := new(header1)
		if err := d.Decode(h); err != nil {
			return err
		}
		if err := each(h); err != nil {
			return err
		}
	}
	return nil
}

func runJSONText(body io.Reader, each func(any) error) error {
	d := jsontext.NewDecoder(body, jsontext.AllowDuplicateNames(true)) // as all others do
	for {
		token, err := d.ReadToken()
		if err != nil {
			return err
		}
		if token.Kind() == '[' {
			break
		}
	}
	for d.PeekKind() == '{' {
		h := new(header2)
		if err := v2.UnmarshalDecode(d, h); err != nil {
			return err
		}
		if err := each(h); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

func runIterator(body io.Reader, each func(any) error) error {
	iter := jsoniter.Parse(jsoniter.ConfigCompatibleWithStandardLibrary, body, 4<<10)
	for name := iter.ReadObject(); name != "value"; name = iter.ReadObject() {
		if name == "" {
			return fmt.Errorf("no value: %w", iter.Error)
		}
		iter.Skip()
	}
	for iter.ReadArray() {
		h := new(header1)
		iter.ReadVal(h)
		if iter.Error != nil {
			return iter.Error
		}
		if err := each(h); err != nil {
			return err
		}
	}
	return iter.Error
}
