package fakeserver

import (
	"strings"
	"testing"
)

func TestControlOfCredentials(t *testing.T) {
	withControl(t, func(t *testing.T, f *fixture) {
		for _, step := range []struct {
			do, answer string
			status     int
		}{
			{"add", `"access_token"`, 200},
			{"expire", "AADSTS7000222: ", 401},
			{"remove", "AADSTS7000215: ", 401},
		} {
			f.control("POST", "credentials", map[string]string{"do": step.do, "secret": "rotated"}, nil)
			if a := f.appToken("rotated"); a.StatusCode != step.status || !strings.Contains(a.body, step.answer) {
				t.Errorf("%s: status %d", step.do, a.StatusCode)
			}
		}
		pem := string(f.e.CAPEM())
		f.control("POST", "credentials", map[string]string{"do": "add", "certificate": pem}, nil)
		f.control("POST", "credentials", map[string]string{"do": "remove", "certificate": pem}, nil)
		f.wantError(f.call("POST", "/_fake/credentials", map[string]string{"do": "remove", "certificate": pem}), 400, "ControlRefused", "no such")
	})
}
