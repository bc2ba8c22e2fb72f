package tokencache

// hidden keeps bytes where fmt does not reach. It prints unexported fields without asking their methods, and follows even a
// pointer in one when the verb does not fit; of a function it has nothing but the address. nil hides nothing.
type hidden func() []byte

func hide(b []byte) hidden { return func() []byte { return b } }
