package jsonstream

// BufferSize returns how many bytes the decoder's buffer takes.
func BufferSize(d *Decoder) int { return cap(d.in.data) }

// QuietBuffer is the size of the buffer of a quiet stream.
const QuietBuffer = quietBuffer
