package exchange

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
)

// Checks of values. Each says why a value is not one of its type, "" if it is.

func notEmpty(text string) string {
	if text == "" {
		return "The MinLength constraint failed."
	}
	return ""
}

func anyText(string) string { return "" }

func boolean(text string) string {
	if _, ok := parseBoolean(text); !ok {
		return fmt.Sprintf("The string '%s' is not a valid Boolean value.", text)
	}
	return ""
}

// parseBoolean reads an xs:boolean.
func parseBoolean(text string) (value, ok bool) {
	switch text {
	case "true", "1":
		return true, true
	case "false", "0":
		return false, true
	}
	return false, false
}

// integer makes the check of an xs:int within bounds.
func integer(least, most int) func(string) string {
	return func(text string) string {
		n, err := strconv.ParseInt(text, 10, 32)
		switch {
		case err != nil:
			return fmt.Sprintf("The string '%s' is not a valid Int32 value.", text)
		case int(n) < least:
			return "The MinInclusive constraint failed."
		case int(n) > most:
			return "The MaxInclusive constraint failed."
		}
		return ""
	}
}

// oneOf makes the check of an enumeration.
func oneOf(values ...string) func(string) string {
	return func(text string) string {
		if !slices.Contains(values, text) {
			return "The Enumeration constraint failed."
		}
		return ""
	}
}

// httpURL is where push notifications may be sent.
func httpURL(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || len(text) > 2082 {
		return "The Pattern constraint failed."
	}
	return ""
}
