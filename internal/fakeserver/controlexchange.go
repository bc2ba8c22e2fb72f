package fakeserver

// The calls of the control API that are about the Exchange half.

func (s *Server) controlExchangeSubscriptions() any { return s.exchange.Subscriptions() }

func (s *Server) controlExchangeStreams() any { return controlStreams{s.exchange.Streams()} }
