package envelopes

// BufferSize returns how many bytes the reader's buffer takes.
func BufferSize(r *Reader) int { return cap(r.in.data) }

// QuietBuffer is the size of the buffer of a quiet stream.
const QuietBuffer = quietBuffer
