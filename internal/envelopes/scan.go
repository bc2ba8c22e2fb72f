package envelopes

import "bytes"

// A state says what the next byte of the input is part of.
type state uint8

const (
	inText     state = iota // what is between tags or, at depth 0, between documents
	inMark                  // a byte order mark
	afterLess               // "<"
	inName                  // the name of a document's element, while it is a web page's
	inTag                   // a start tag, outside of quotation marks
	afterSlash              // "/" in a start tag
	inQuotes                // an attribute's value
	afterEnd                // "</"
	inEnd                   // an end tag
	afterBang               // "<!"
	afterDash               // "<!-"
	inComment               // a comment
	inBracket               // "<![CDATA["
	inCDATA                 // a CDATA section
	inTarget                // the name of a processing instruction
	inPI                    // the rest of it
)

const (
	byteOrderMark = "\xef\xbb\xbf"
	cdata         = "CDATA["
	declaration   = "xml"  // the processing instruction that is an XML declaration
	page          = "html" // the element of a web page
)

// A status is what a scanner says about the bytes it has been given.
type status uint8

const (
	more     status = iota // the input goes on
	began                  // the byte before is the second one of a document
	complete               // the byte before is the last one of a document
	invalid                // the byte at hand may not stand there
)

// A scanner finds where documents begin and end. Between two calls it may rest
// in the middle of anything, so that it does not matter where the network cut
// the input.
type scanner struct {
	state    state
	quote    byte // inQuotes: what ends them
	met      int  // how many bytes of what is being looked for were met
	depth    int  // how many elements are open
	declared bool // there was an XML declaration: a document has to follow
}

// inDocument reports whether a document has begun and not ended.
func (s *scanner) inDocument() bool { return s.depth > 0 }

// betweenDocuments reports whether the input may end here.
func (s *scanner) betweenDocuments() bool { return s.depth == 0 && s.state == inText && !s.declared }

// held is how many bytes before the one at hand may turn out to be the
// beginning of a document.
func (s *scanner) held() int {
	if s.depth == 0 && s.state == afterLess {
		return 1
	}
	return 0
}

// scan goes through p, which continues the input. It returns how many bytes it
// went through: up to the offending one, if the status is invalid.
//
// What is long - texts, values, comments - is gone through in leaps.
func (s *scanner) scan(p []byte) (n int, st status) {
	for i := 0; i < len(p); {
		switch s.state {
		case inText:
			if s.depth > 0 {
				i = s.leap(p, i, '<', afterLess)
				continue
			}
		case inQuotes:
			i = s.leap(p, i, s.quote, inTag)
			continue
		case inComment:
			i = s.leapTo(p, i, '-', 2)
			continue
		case inCDATA:
			i = s.leapTo(p, i, ']', 2)
			continue
		case inPI:
			i = s.leapTo(p, i, '?', 1)
			continue
		case inTag, inEnd:
			for i < len(p) && !marks(p[i]) {
				i++
			}
			if i == len(p) {
				continue
			}
		}
		if st = s.step(p[i]); st == invalid {
			return i, invalid
		}
		if i++; st != more {
			return i, st
		}
	}
	return len(p), more
}

// leap goes on to the byte after the next c, which leads to a state.
func (s *scanner) leap(p []byte, i int, c byte, to state) int {
	n := bytes.IndexByte(p[i:], c)
	if n < 0 {
		return len(p)
	}
	s.state = to
	return i + n + 1
}

// leapTo goes on to the byte after the next '>' that comes after c as often as
// need be: to the end of "-->", "]]>" or "?>".
func (s *scanner) leapTo(p []byte, i int, c byte, often int) int {
	for ; i < len(p); i++ {
		switch {
		case p[i] == c:
			s.met++
		case p[i] == '>' && s.met >= often:
			s.state = inText
			return i + 1
		default:
			s.met = 0
			n := bytes.IndexByte(p[i:], c)
			if n < 0 {
				return len(p)
			}
			i += n - 1
		}
	}
	return i
}

// step takes one byte.
func (s *scanner) step(c byte) status {
	switch s.state {
	case inText:
		return s.between(c)
	case inMark:
		return s.word(c, byteOrderMark, inText)
	case afterLess:
		return s.opened(c)
	case inName:
		return s.name(c)
	case inTag:
		return s.inTag(c)
	case afterSlash:
		if c != '>' {
			return invalid
		}
		return s.close()
	case afterEnd:
		if !beginsName(c) || s.depth == 0 {
			return invalid
		}
		s.state = inEnd
	case inEnd:
		switch c {
		case '<':
			return invalid
		case '>':
			return s.close()
		}
	case afterBang:
		switch {
		case c == '-':
			s.state = afterDash
		case c == '[' && s.depth > 0:
			s.state, s.met = inBracket, 0
		default:
			return invalid
		}
	case afterDash:
		if c != '-' {
			return invalid
		}
		s.state, s.met = inComment, 0
	case inBracket:
		return s.word(c, cdata, inCDATA)
	case inTarget:
		return s.target(c)
	}
	return more
}

// between takes a byte between two documents.
func (s *scanner) between(c byte) status {
	switch {
	case c == '<':
		s.state = afterLess
	case c == byteOrderMark[0]:
		s.state, s.met = inMark, 1
	case !isSpace(c):
		return invalid
	}
	return more
}

// word takes a byte of a word of which some were met; the last one leads to a
// state.
func (s *scanner) word(c byte, word string, to state) status {
	if c != word[s.met] {
		return invalid
	}
	if s.met++; s.met == len(word) {
		s.state, s.met = to, 0
	}
	return more
}

// opened takes the byte after "<".
func (s *scanner) opened(c byte) status {
	switch {
	case c == '/':
		s.state = afterEnd
	case c == '?':
		s.state, s.met = inTarget, 0
	case c == '!':
		s.state = afterBang
	case !beginsName(c):
		return invalid
	case s.depth > 0:
		s.depth++
		s.state = inTag
	default:
		s.depth, s.declared = 1, false
		s.state, s.met = inTag, 1
		if lower(c) == page[0] {
			s.state = inName
		}
		return began
	}
	return more
}

// name takes a byte of a name that is that of a web page's element so far.
func (s *scanner) name(c byte) status {
	switch ends := isSpace(c) || c == '>' || c == '/'; {
	case s.met < len(page) && lower(c) == page[s.met]:
		s.met++
		return more
	case s.met == len(page) && ends:
		return invalid
	}
	s.state = inTag
	return s.inTag(c)
}

// inTag takes a byte of a start tag.
func (s *scanner) inTag(c byte) status {
	switch c {
	case '>':
		s.state = inText
	case '/':
		s.state = afterSlash
	case '"', '\'':
		s.state, s.quote = inQuotes, c
	case '<':
		return invalid
	}
	return more
}

// close takes the '>' that closes an element.
func (s *scanner) close() status {
	s.state = inText
	if s.depth--; s.depth == 0 {
		return complete
	}
	return more
}

// target takes a byte of the name of a processing instruction.
func (s *scanner) target(c byte) status {
	switch {
	case s.met < len(declaration) && c == declaration[s.met]:
		s.met++
		return more
	case s.met == 0 && !beginsName(c):
		return invalid
	case s.met == len(declaration) && (isSpace(c) || c == '?') && s.depth == 0:
		s.declared = true
	}
	s.state, s.met = inPI, 0
	if c == '?' {
		s.met = 1
	}
	return more
}

// marks reports whether a byte means something in a tag.
func marks(c byte) bool { return c == '<' || c == '>' || c == '/' || c == '"' || c == '\'' }

// beginsName: which letters of other alphabets may begin a name is not for this
// package to say.
func beginsName(c byte) bool {
	return 'a' <= lower(c) && lower(c) <= 'z' || c == '_' || c == ':' || c >= 0x80
}

// lower is for letters.
func lower(c byte) byte { return c | 0x20 }

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
