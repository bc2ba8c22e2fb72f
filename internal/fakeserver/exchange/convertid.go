package exchange

// convertID serves ConvertId, with which clients find out which version a server is. No id here has another form.
func (s *Server) convertID(c *call) {
	var all []message
	for range c.request.child(nsMessages, "SourceIds").children {
		all = append(all, message{failure: fail(codeIDMalformed)})
	}
	c.respond(c.operation, all...)
}
