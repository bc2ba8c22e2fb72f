package fakeserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// requestBody is a JSON object whose members are named exactly as the service names them. encoding/json alone would
// let other spellings and repetitions through.
type requestBody map[string]json.RawMessage

func parseBody(body []byte, typeName string, members ...string) (requestBody, *apiError) {
	malformed := func(why string) (requestBody, *apiError) {
		return nil, failf(http.StatusBadRequest, codeBadBody, "The body is not a JSON object: %s.", why)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return malformed("it does not begin as one")
	}
	object := make(requestBody)
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return malformed("a name is malformed, or it is not closed")
		}
		key := name.(string) // inside an object Token returns nothing else before a colon
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return malformed(fmt.Sprintf("the value of '%s' is malformed", key))
		}
		if _, twice := object[key]; twice {
			return nil, failf(http.StatusBadRequest, codeBadBody, "The property '%s' is given more than once.", key)
		}
		if !slices.Contains(members, key) {
			return nil, failf(http.StatusBadRequest, codeBadBody,
				"The property '%s' does not exist on type '%s'. Make sure to only use property names that are defined by the type.",
				key, typeName)
		}
		object[key] = value
	}
	if _, err := d.Token(); err != nil {
		return malformed("it is malformed at the end, or not closed")
	}
	if _, err := d.Token(); err != io.EOF {
		return malformed("something follows it")
	}
	return object, nil
}

// text is a required string.
func (b requestBody) text(name string) (string, *apiError) {
	var value *string
	if raw, ok := b[name]; !ok {
		return "", failf(http.StatusBadRequest, codeMissing, "The required property '%s' is missing.", name)
	} else if json.Unmarshal(raw, &value) != nil || value == nil || strings.TrimSpace(*value) == "" {
		return "", failf(http.StatusBadRequest, codeBadValue, "The value of '%s' must be a string that is not empty.", name)
	}
	return *value, nil
}

// integer is a required Int32 within a range.
func (b requestBody) integer(name string, least, most int32) (int32, *apiError) {
	var value *int32
	if raw, ok := b[name]; !ok {
		return 0, failf(http.StatusBadRequest, codeMissing, "The required property '%s' is missing.", name)
	} else if json.Unmarshal(raw, &value) != nil || value == nil {
		return 0, failf(http.StatusBadRequest, codeBadValue, "The value of '%s' must be an Edm.Int32.", name)
	}
	if *value < least || *value > most {
		return 0, failf(http.StatusBadRequest, codeBadValue, "The value of '%s' must be between %d and %d.", name, least, most)
	}
	return *value, nil
}

// texts is a required list of strings, without repetitions.
func (b requestBody) texts(name string) ([]string, *apiError) {
	var values []*string
	if raw, ok := b[name]; !ok {
		return nil, failf(http.StatusBadRequest, codeMissing, "The required property '%s' is missing.", name)
	} else if json.Unmarshal(raw, &values) != nil || len(values) == 0 {
		return nil, failf(http.StatusBadRequest, codeBadValue, "The value of '%s' must be a collection of strings that is not empty.", name)
	}
	var list []string
	for _, v := range values {
		if v == nil || *v == "" {
			return nil, failf(http.StatusBadRequest, codeBadValue, "The value of '%s' must not contain empty strings.", name)
		}
		if !slices.Contains(list, *v) {
			list = append(list, *v)
		}
	}
	return list, nil
}
