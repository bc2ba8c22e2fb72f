package main

import (
	"bytes"
	"context"
	"log/slog"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// The same for programs that use the library: whatever form they print errors,
// traces, clients and providers in. It is here because the hunt is.
func TestNoFaultMakesTheLibraryShowASecret(t *testing.T) {
	h := newHunt()
	n := 0
	for on, dos := range faultsThereAre(t) {
		if on != "subscribe" && on != "listen" && on != "stream" {
			continue // what is said of sign-in is the tool's to show, and msalauth's tests'
		}
		for _, do := range dos {
			for _, fault := range variants(on, do) {
				n++
				synctest.Test(t, func(t *testing.T) { huntLibrary(t, h, fault) })
			}
		}
	}
	t.Logf("secrets: %d faults, %d secrets, %d bytes of output searched, hits: %d", n, len(h.secrets), h.bytes, h.hits)
}

// huntLibrary has a watch meet a fault, and prints all that can be had of it.
func huntLibrary(t *testing.T, h *hunt, fault fakeserver.Fault) {
	server := fakeserver.New(nil)
	defer server.Close()
	endpoint, err := server.ListenMemory()
	if err != nil {
		t.Fatal(err)
	}
	first := server.Token("me")
	if err := server.Arm(echoing(fault, first)); err != nil {
		t.Fatal(err)
	}
	var printed, log bytes.Buffer // on the watch's goroutine only
	calls := 0
	provider := auth.Cached(auth.Func(func(_ context.Context, r auth.Request) (auth.Token, error) {
		switch calls++; calls {
		case 1: // a careless provider
			panic("cannot use " + first)
		case 2:
			return auth.Token{Value: first}, nil
		default:
			return auth.Token{Value: server.Token("me")}, nil
		}
	}))
	trace := new(outlookstream.Trace)
	for _, field := range reflect.ValueOf(trace).Elem().Fields() { // those of later versions, too
		field.Set(reflect.MakeFunc(field.Type(), func(args []reflect.Value) []reflect.Value {
			what := args[0].Interface()
			printed.Write(inEveryForm(what))
			if err := args[0].FieldByName("Err"); err.IsValid() && !err.IsNil() {
				printed.Write(inEveryForm(err.Interface()))
			}
			return nil
		}))
	}
	client, err := outlookstream.New(provider, &outlookstream.Options{
		Endpoint: endpoint.API(), HTTPClient: endpoint.Client("h2"), Trace: trace,
		Logger: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	time.AfterFunc(time.Minute, func() { _, _ = server.Change(fakeserver.Change{Resource: "me/events", ChangeType: "Created"}) })
	for event, err := range client.Watch(ctx, outlookstream.Resource{Path: "me/events"}) {
		printed.Write(inEveryForm(err, event.Reason))
	}
	printed.Write(inEveryForm(client, provider, auth.Request{Rejected: first}, auth.Token{Value: first}))
	if calls < 2 || log.Len() == 0 {
		t.Fatalf("%+v: nothing happened", fault)
	}
	f := &fake{Server: server, endpoint: endpoint}
	h.search(t, f, map[string][]byte{fault.On + " " + fault.Do + ": printed": printed.Bytes(), fault.On + " " + fault.Do + ": logged": log.Bytes()})
}
