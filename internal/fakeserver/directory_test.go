package fakeserver

import (
	"fmt"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

func TestTheDirectoryComparesAsEqualFoldDoes(t *testing.T) {
	names := []string{"alex@contoso.test", "ALEX@Contoso.Test", "\u212Alaus@contoso.test", "klaus@contoso.test", "\u017Fven@x.test", "Sven@x.test",
		"straße@x.test", "strasse@x.test", "ΣΑΣ@x.test", "σας@x.test", "", "nobody@contoso.test"}
	for _, name := range names {
		for _, other := range names {
			if got, want := folded(name) == folded(other), strings.EqualFold(name, other); got != want {
				t.Errorf("%q and %q: equal %v, want %v", name, other, got, want)
			}
		}
	}
}

func TestTheDirectoryFindsTheFirstAccountOfAName(t *testing.T) {
	var accounts []signin.Account
	for i := range 1000 {
		accounts = append(accounts, signin.Account{User: fmt.Sprintf("room%d@contoso.test", i), ObjectID: fmt.Sprintf("AB-%d", i), Name: fmt.Sprint(i)})
	}
	accounts = append(accounts, signin.Account{User: "ROOM7@contoso.test", ObjectID: "late", Name: "late"})
	d := newDirectory("tenant", accounts)
	for name, want := range map[string]string{
		"room7@contoso.test": "7", "Room999@Contoso.Test": "999", "ab-12": "12", "ab-12@TENANT": "12", "late": "late",
	} {
		if got, ok := d.named(name); !ok || got.Name != want {
			t.Errorf("%q: %q, %v, want %q", name, got.Name, ok, want)
		}
	}
	for _, name := range []string{"", "me", "room1000@contoso.test", "ab-12@other"} {
		if got, ok := d.named(name); ok {
			t.Errorf("%q is %q, want nobody", name, got.Name)
		}
	}
	if got, ok := d.find("me"); !ok || got.Name != "0" {
		t.Errorf(`"me" is %q, %v, want the first`, got.Name, ok)
	}
}
