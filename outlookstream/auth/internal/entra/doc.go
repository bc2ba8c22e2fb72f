// Package entra knows what the sign-in service says when it refuses, and what to do about it. It serves the adapters of the
// sign-in libraries, whose own errors may contain tokens: of an answer it keeps only words and numbers in which no secret can
// hide.
package entra
