// Package micro has the contestants of the measurements in memory: this
// module's decoder and stream, the libraries that a program would use instead,
// and what the machine can do at best.
//
// All walk the same endless document, and decode each element into the same
// fields, with the item kept as raw bytes that belong to the caller. Two cannot
// read the document around the elements, sonic's stream decoder and
// Kubernetes' framer: they get the elements one after another, which is an
// easier job.
package micro
