package exchange

// Namespaces of the wire. Documentation that spells them with https is wrong.
const (
	nsSoap     = "http://schemas.xmlsoap.org/soap/envelope/"
	nsMessages = "http://schemas.microsoft.com/exchange/services/2006/messages"
	nsTypes    = "http://schemas.microsoft.com/exchange/services/2006/types"
	nsErrors   = "http://schemas.microsoft.com/exchange/services/2006/errors"
)

// Path is where the service is, in any case.
const Path = "/EWS/Exchange.asmx"
