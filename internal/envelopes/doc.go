// Package envelopes cuts an endless run of XML documents into its documents.
//
// GetStreamingEvents of Exchange Web Services is answered with one response
// whose body is SOAP envelopes, one after the other, for as long as the
// connection lives:
//
//	<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/">...</Envelope><Envelope xmlns=...
//
// No parser for one document reads that: they read ahead, or they refuse what
// may stand between two documents. A [Reader] finds where documents end, by
// their tags alone, and returns each as soon as its last byte has arrived,
// without asking for more. Prefixes, and how the network cut the bytes, are all
// the same to it. Whether what it returns is well-formed is for encoding/xml to
// say, which sees one document at a time: one that is broken costs no other.
//
// Between documents there may be white space, XML declarations, byte order
// marks, comments and processing instructions. A document type declaration is
// refused wherever it is: no envelope has one, and web pages do.
package envelopes
