package exchange

import "net/http"

// Account is who a request is from. It owns the subscriptions that it makes, for whomever.
type Account struct {
	// Name is unique: the address of a person or of a service account, or an application's id.
	Name string
	// Address is the account's own mailbox; "" if it has none, as an application.
	Address string
	// App is the id of the application whose token it is; "" if there is no token.
	App string
}

// Authenticator says who a request is from. If nobody, it has answered the request and returns false.
type Authenticator func(w http.ResponseWriter, r *http.Request) (Account, bool)

func (c *call) authenticate() (*failure, bool) {
	if c.server.opts.Authenticate == nil {
		first := c.server.opts.Mailboxes[0].Address
		c.account = Account{Name: first, Address: first}
		return nil, false
	}
	account, ok := c.server.opts.Authenticate(c.w, c.r)
	c.account = account
	return nil, !ok
}
