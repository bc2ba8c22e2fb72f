// Package jsonstream is an incremental decoder for a JSON object whose array never seems to end.
//
// Streaming services answer one request with one JSON object and keep that object open for as long as the connection
// lives. Each piece of news is one more element of an array inside it:
//
//	{"@odata.context":"https://...","value":[
//	  {"Status":"Ok"},
//	  {"ChangeType":"Created","Resource":"..."},
//	  ...
//	]}
//
// A [Decoder] hands out the elements of that array one at a time, as raw JSON, each one as soon as its last byte has
// been read: it never asks its reader for another byte while it holds a complete element, so a quiet connection does
// not delay what has already arrived. [Values] decodes them into a Go type as well.
//
// Nothing is copied: an element is a part of the decoder's buffer, and [Decoder.Fields] are parts of the element, found
// while it was validated. A program that needs three of its members does not have to go over it a second time.
//
// # How a stream ends
//
// Running out of elements and ending well are different things. [Decoder.Next] returns io.EOF only when the document is
// complete, closing bracket and closing brace included; input that stops anywhere else is an error for which
// errors.Is(err, io.ErrUnexpectedEOF) is true, and an error of the reader comes back as it is.
// With Go's convention that a deadline, a cancellation or a watchdog shows up as the error of a Read, this lets a caller
// tell a server that said goodbye from a connection that broke.
//
// # What is accepted
//
// RFC 8259 JSON, strictly, with the liberties that encoding/json takes too, so that one broken value from the far end
// does not cost the whole stream:
//   - bytes in strings that are not valid UTF-8 ([Options].RejectInvalidUTF8 is for those who cannot use them), and \u escapes that
//     are half of a surrogate pair, are passed on as they are;
//   - an object may have the same name twice.
//
// One UTF-8 byte order mark is accepted at the very start. The object's members may come in any order, unknown ones
// are validated, and the small ones are kept for [Decoder.Member]. The array may occur once. The document ends at its closing
// brace: what follows is neither waited for nor looked at, because a connection may well stay open after it, and because the
// same bytes must give the same result however the network cuts them.
//
// # Limits
//
// Memory is bounded whatever the input is: [Options] limits the size of an element and the depth of its nesting, and what
// is kept of the other members has fixed limits (see [Decoder.Member]). A Decoder that waits holds 160 bytes of buffer, whatever it has
// read before; larger ones are shared by all Decoders of a program. An element over the size limit is skipped, not fatal
// (see [ErrTooLarge]).
package jsonstream
