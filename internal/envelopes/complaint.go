package envelopes

// invalid is the error for the byte at hand, which the scanner did not take.
func (r *Reader) invalid() error {
	in, s := &r.in, &r.scan
	c := in.data[in.pos]
	e := &SyntaxError{Offset: in.offset()}
	from := in.pos
	switch {
	case s.state == inName:
		e.Msg, from = "a web page where an envelope was expected", in.mark
	case s.state == afterBang && lower(c) == 'd':
		e.Msg = "a document type declaration, which no envelope has (a web page?)"
	case s.depth == 0 && (s.state == inText || s.state == afterLess || s.state == inMark):
		e.Msg = quote(c) + " where an XML document was expected"
	case s.state == afterEnd && s.depth == 0:
		e.Msg = "an end tag without a start tag"
	default:
		e.Msg = quote(c) + s.where()
		return e // within a document: what stands there is a mailbox's, not a stranger's
	}
	e.Found = string(in.data[from:min(in.end, from+maxFound)])
	return e
}

// where says in what a byte may not stand.
func (s *scanner) where() string {
	switch s.state {
	case afterLess, inTarget:
		return " where a name was expected"
	case inTag:
		return " in a start tag"
	case afterSlash:
		return " where '>' was expected, after '/' in a start tag"
	case afterEnd, inEnd:
		return " in an end tag"
	case inBracket:
		return " where <![CDATA[ was expected"
	default: // afterBang, afterDash
		return " where a comment was expected, after <!"
	}
}
