package fakeserver

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"
)

// properties are an item's, each as the JSON it was given in. A value is never changed once it is in use: merging
// makes a new one.
type properties map[string]json.RawMessage

// parseProperties reads a JSON object; nothing at all is an empty one.
func parseProperties(data []byte) (properties, bool) {
	if len(bytes.TrimSpace(data)) == 0 {
		return properties{}, true
	}
	var p properties
	if err := json.Unmarshal(data, &p); err != nil || p == nil {
		return nil, false
	}
	return p, true
}

func (p properties) merged(with properties) properties {
	all := make(properties, len(p)+len(with))
	maps.Copy(all, p)
	maps.Copy(all, with)
	return all
}

// lookup follows a path of property names, which OData compares exactly, to a scalar; nil is null or nothing.
func (p properties) lookup(path []string) any {
	raw, ok := p[path[0]]
	if !ok {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var value any
	if d.Decode(&value) != nil {
		return nil
	}
	for _, name := range path[1:] {
		object, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = object[name]
	}
	switch value.(type) {
	case map[string]any, []any:
		return nil // not comparable
	}
	return value
}

// get finds a property as $select names it, in any case.
func (p properties) get(name string) (string, json.RawMessage, bool) {
	if raw, ok := p[name]; ok {
		return name, raw, true
	}
	for have, raw := range p {
		if strings.EqualFold(have, name) {
			return have, raw, true
		}
	}
	return "", nil, false
}
