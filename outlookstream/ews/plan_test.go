package ews

import (
	"errors"
	"fmt"
	"testing"
)

func planning(t *testing.T, o Options) *watch {
	c, err := New(Basic("u", nil), &o)
	if err != nil {
		t.Fatal(err)
	}
	return &watch{client: c}
}

func TestAnAccountGetsNoMoreStreamsThanItMayHave(t *testing.T) {
	for _, tt := range []struct {
		o    Options
		want int
	}{{Options{}, 10}, {Options{MaxStreams: 3}, 3}, {Options{Impersonate: true}, 40}} {
		w := planning(t, tt.o)
		for i := range 40 {
			g, _ := w.groupFor(found{mailbox: Mailbox{Address: fmt.Sprintf("m%d@x.test", i)}, place: place{url: OnlineURL, grouping: fmt.Sprint(i)}})
			if (g != nil) != (i < tt.want) {
				t.Errorf("%+v: group %d: %v", tt.o, i, g != nil)
			}
		}
		if err := w.client.tooManyStreams(); !errors.Is(err, ErrLimit) {
			t.Error(err)
		}
	}
}

// It has yet to say that it has ended.
func TestAGroupThatEndsIsNoStreamAnyMore(t *testing.T) {
	w := planning(t, Options{MaxStreams: 1})
	here := found{mailbox: Mailbox{Address: "ann@x.test"}, place: place{url: OnlineURL}}
	g, err := w.groupFor(here)
	if err != nil {
		t.Fatal(err)
	}
	if g.change(nil) {
		t.Fatal("it has a mailbox")
	}
	if other, err := w.groupFor(here); err != nil || other == g {
		t.Errorf("%v", err)
	}
}

func TestAGroupHasNoMoreMailboxesThanARequestMayName(t *testing.T) {
	w := planning(t, Options{Impersonate: true})
	for i := range 450 {
		m := Mailbox{Address: fmt.Sprintf("m%d@x.test", i)}
		g, err := w.groupFor(found{mailbox: m, place: place{url: OnlineURL}})
		if err != nil {
			t.Fatal(err)
		}
		g.add(&membership{mailbox: m}, errStart)
	}
	if len(w.groups) != 3 || w.groups[0].size != 200 || w.groups[1].size != 200 || w.groups[2].size != 50 {
		t.Errorf("%d groups", len(w.groups))
	}
}

var errStart = errors.New("the watch started")
