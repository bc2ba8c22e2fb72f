package signin

import (
	"bytes"
	"net/http"
	"net/url"
)

// pages are what a person sees. html/template escapes everything that came from outside.
const pages = `{{define "head"}}<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in - calwatch fake server</title></head><body>
<h1>Sign in</h1>
{{end}}
{{define "device"}}{{template "head"}}
{{with .Note}}<p role="status"><strong>{{.}}</strong></p>{{end}}
<p>This is a fake server for tests: nothing here belongs to a real account.</p>
<form method="post" action="/device" autocomplete="off">
<p><label>Code shown by the program: <input name="user_code" value="{{.Code}}" required maxlength="20" autofocus></label></p>
<p><label>Sign in as: <select name="user">{{range .Accounts}}<option value="{{.User}}">{{.Name}} ({{.User}})</option>{{end}}</select></label></p>
<p><button name="action" value="approve">Approve</button> <button name="action" value="deny" formnovalidate>Decline</button></p>
</form></body></html>
{{end}}
{{define "post"}}{{template "head"}}
<form method="post" action="{{.Target}}">
{{range $name, $values := .Values}}{{range $values}}<input type="hidden" name="{{$name}}" value="{{.}}">
{{end}}{{end}}<button>Go on</button></form>
<script nonce="{{.Nonce}}">document.forms[0].submit()</script></body></html>
{{end}}`

type devicePage struct {
	Note, Code string
	Accounts   []Account
}

// showDevice shows the form in which a person types a user code.
func (s *Server) showDevice(w http.ResponseWriter, r *http.Request) {
	code := r.URL.Query().Get("user_code")
	s.writePage(w, http.StatusOK, "form-action 'self'", "device", devicePage{Code: code, Accounts: s.opts.Accounts})
}

// decideDevice approves or declines.
func (s *Server) decideDevice(w http.ResponseWriter, r *http.Request) {
	form, f := readForm(w, r)
	if f != nil {
		s.refuse(w, r, f)
		return
	}
	code := form.Get("user_code")
	var err error
	note := "Done. You may close this page and go back to the program."
	switch form.Get("action") {
	case "", "approve":
		err = s.Approve(code, form.Get("user"))
	case "deny":
		err = s.Deny(code)
		note = "Declined."
	default:
		s.writePage(w, http.StatusBadRequest, "form-action 'self'", "device",
			devicePage{Note: "The action must be approve or deny.", Code: code, Accounts: s.opts.Accounts})
		return
	}
	if err != nil {
		s.writePage(w, http.StatusBadRequest, "form-action 'self'", "device",
			devicePage{Note: "That did not work: " + err.Error(), Code: code, Accounts: s.opts.Accounts})
		return
	}
	s.writePage(w, http.StatusOK, "form-action 'self'", "device", devicePage{Note: note, Accounts: s.opts.Accounts})
}

// postBack answers with a page whose form takes the result to the redirect URI (response_mode=form_post).
func (s *Server) postBack(w http.ResponseWriter, target string, values url.Values) {
	nonce := secret(16)
	// No form-action: some browsers apply it to what the target redirects to.
	s.writePage(w, http.StatusOK, "script-src 'nonce-"+nonce+"'", "post", struct {
		Target, Nonce string
		Values        url.Values
	}{target, nonce, values})
}

func (s *Server) writePage(w http.ResponseWriter, status int, policy, name string, data any) {
	var page bytes.Buffer
	if err := s.pages.ExecuteTemplate(&page, name, data); err != nil {
		panic("signin: an own page cannot be made") // and its data may contain a code
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; "+policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(page.Bytes())
}
