package fakeserver

import (
	"strings"
	"testing"
)

func TestControlChangesTheTreeOfFolders(t *testing.T) {
	withControl(t, func(t *testing.T, f *fixture) {
		const alex = "alex@contoso.test"
		post := func(call, body string) { t.Helper(); f.control("POST", "ews/"+call, body, nil) }
		post("folder", `{"do":"create","mailbox":"`+alex+`","name":"Projects","in":"inbox"}`)
		post("folder", `{"do":"rename","mailbox":"`+alex+`","name":"Projects","to":"Archive"}`)
		if _, ok := f.s.Exchange().LookupFolder(alex, "Archive"); !ok {
			t.Error("there is no folder Archive")
		}
		post("folder", `{"do":"delete","mailbox":"`+alex+`","name":"Archive"}`)
		if _, ok := f.s.Exchange().LookupFolder(alex, "Archive"); ok {
			t.Error("the folder Archive is still there")
		}
		post("forgetsync", `{"mailbox":"`+alex+`"}`)
		for call, body := range map[string]string{
			"folder":     `{"do":"move","mailbox":"` + alex + `","name":"inbox"}`,
			"forgetsync": `{"mailbox":"nobody@contoso.test"}`,
		} {
			if a := f.call("POST", "/_fake/ews/"+call, body); a.StatusCode != 400 || !strings.Contains(a.body, "ControlRefused") {
				t.Errorf("%s: status %d: %s", call, a.StatusCode, a.body)
			}
		}
	})
}
