package fakeserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// filter is the part of OData's $filter that is understood: comparisons of a property with a literal by eq and ne,
// joined by and. No terms: everything passes.
type filter []term

type term struct {
	path    []string // a property, or one inside of it, as in Sender/EmailAddress/Address
	negated bool
	value   any // string, bool, json.Number or nil
}

func parseFilter(text string) (filter, error) {
	tokens, err := filterTokens(text)
	if err != nil {
		return nil, err
	}
	var f filter
	for {
		if len(tokens) < 3 {
			return nil, errors.New("a comparison is missing or incomplete")
		}
		name, operator, literal := tokens[0], strings.ToLower(tokens[1]), tokens[2]
		if strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_/") != "" {
			return nil, fmt.Errorf("%q is not a property", name)
		}
		if operator != "eq" && operator != "ne" {
			return nil, fmt.Errorf("the operator %q is not supported", tokens[1])
		}
		value, err := filterLiteral(literal)
		if err != nil {
			return nil, err
		}
		f = append(f, term{path: strings.Split(name, "/"), negated: operator == "ne", value: value})
		tokens = tokens[3:]
		if len(tokens) == 0 {
			return f, nil
		}
		if !strings.EqualFold(tokens[0], "and") {
			return nil, fmt.Errorf("%q is not supported", tokens[0])
		}
		tokens = tokens[1:]
	}
}

// filterTokens splits at white space outside of string literals, in which a doubled quote stands for one.
func filterTokens(text string) ([]string, error) {
	var tokens []string
	for {
		text = strings.TrimLeft(text, " \t\r\n")
		if text == "" {
			return tokens, nil
		}
		end := 0
		if text[0] == '\'' {
			end = 1
			for {
				i := strings.IndexByte(text[end:], '\'')
				if i < 0 {
					return nil, errors.New("a string is not closed")
				}
				end += i + 1
				if !strings.HasPrefix(text[end:], "'") {
					break
				}
				end++
			}
			if end < len(text) && !strings.ContainsRune(" \t\r\n", rune(text[end])) {
				return nil, errors.New("a string is followed by something")
			}
		} else if end = strings.IndexAny(text, " \t\r\n"); end < 0 {
			end = len(text)
		}
		tokens = append(tokens, text[:end])
		text = text[end:]
	}
}

func filterLiteral(text string) (any, error) {
	switch {
	case text[0] == '\'':
		return strings.ReplaceAll(text[1:len(text)-1], "''", "'"), nil
	case strings.EqualFold(text, "true"):
		return true, nil
	case strings.EqualFold(text, "false"):
		return false, nil
	case strings.EqualFold(text, "null"):
		return nil, nil
	}
	var number json.Number
	if err := json.Unmarshal([]byte(text), &number); err != nil {
		return nil, fmt.Errorf("%q is not a literal", text)
	}
	return number, nil
}

// matches evaluates the filter. A property that an item does not have is null.
func (f filter) matches(item properties) bool {
	return !slices.ContainsFunc(f, func(t term) bool {
		return (item.lookup(t.path) == t.value) == t.negated
	})
}

// result turns a change of an item into what a subscription with this filter is told: entering the filter is
// Created, leaving it Deleted, whatever the change was.
func (f filter) result(kind changeKind, before, after properties) (changeKind, bool) {
	if len(f) == 0 {
		return kind, true
	}
	was := before != nil && f.matches(before)
	is := after != nil && f.matches(after)
	switch {
	case is && !was:
		return changeCreated, true
	case was && !is:
		return changeDeleted, true
	case was && is:
		return changeUpdated, true
	}
	return "", false
}
