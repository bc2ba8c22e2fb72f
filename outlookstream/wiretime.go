package outlookstream

import "time"

// parseTime reads a time. One that cannot be read costs nobody a notification.
func parseTime(text []byte) (t time.Time) {
	if t, ok := parseUTC(text); ok {
		return t
	}
	if t.UnmarshalText(text) != nil {
		t, _ = time.Parse(time.RFC3339Nano, string(text)) // it is less strict
	}
	return t
}

// parseUTC reads the one form that the service uses, with seven digits of a second, on nearly every day.
func parseUTC(text []byte) (time.Time, bool) {
	const form = "0000-00-00T00:00:00.0000000Z"
	if len(text) != len(form) {
		return time.Time{}, false
	}
	for i, c := range text {
		if want := form[i]; c != want && (want != '0' || !('0' <= c && c <= '9')) {
			return time.Time{}, false
		}
	}
	number := func(from, to int) (n int) {
		for _, c := range text[from:to] {
			n = 10*n + int(c-'0')
		}
		return n
	}
	year, month, day := number(0, 4), number(5, 7), number(8, 10)
	hour, minute, second := number(11, 13), number(14, 16), number(17, 19)
	if month < 1 || month > 12 || day < 1 || day > 28 || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false // or a day that not every month has
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, 100*number(20, 27), time.UTC), true
}
