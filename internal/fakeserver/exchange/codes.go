package exchange

// Response codes that this package gives.
const (
	codeNoError                 = "NoError"
	codeAccessDenied            = "ErrorAccessDenied"
	codeEventNotFound           = "ErrorEventNotFound"
	codeFolderNotFound          = "ErrorFolderNotFound"
	codeIDMalformed             = "ErrorInvalidIdMalformed"
	codeImpersonateUserDenied   = "ErrorImpersonateUserDenied"
	codeInvalidFolderType       = "ErrorInvalidFolderTypeForOperation"
	codeMoveInProgress          = "ErrorMailboxMoveInProgress"
	codeNoCAS                   = "ErrorNoRespondingCASInDestinationSite"
	codeNotProxied              = "ErrorProxyRequestNotAllowed"
	codeInvalidPullSubscription = "ErrorInvalidPullSubscriptionId"
	codeInvalidRequest          = "ErrorInvalidRequest"
	codeInvalidServerVersion    = "ErrorInvalidServerVersion"
	codeIncorrectSchemaVersion  = "ErrorIncorrectSchemaVersion"
	codeInvalidRestriction      = "ErrorUnsupportedQueryFilter"
	codeInvalidSubscription     = "ErrorInvalidSubscription"
	codeInvalidSubscriptionReq  = "ErrorInvalidSubscriptionRequest"
	codeInvalidSyncState        = "ErrorInvalidSyncStateData"
	codeInvalidWatermark        = "ErrorInvalidWatermark"
	codeItemNotFound            = "ErrorItemNotFound"
	codeMissed                  = "ErrorMissedNotificationEvents"
	codeNewStream               = "ErrorNewEventStreamConnectionOpened"
	codeNonExistentMailbox      = "ErrorNonExistentMailbox"
	codeReadEventsFailed        = "ErrorReadEventsFailed"
	codeSchemaValidation        = "ErrorSchemaValidation"
	codeServerBusy              = "ErrorServerBusy"
	codeSubscriptionAccess      = "ErrorSubscriptionAccessDenied"
	codeSubscriptionDelegate    = "ErrorSubscriptionDelegateAccessNotSupported"
	codeSubscriptionNotFound    = "ErrorSubscriptionNotFound"
	codeSubscriptionUnsub       = "ErrorSubscriptionUnsubscribed"
	codeSyncFolderNotFound      = "ErrorSyncFolderNotFound"
	codeTooManySubscriptions    = "ErrorExceededSubscriptionCount"
	codeTooManyConnections      = "ErrorExceededConnectionCount"
)

// messageTexts are the service's own words, as far as they are known; the rest is our choice.
var messageTexts = map[string]string{
	codeAccessDenied:            "Access is denied. Check credentials and try again.",
	codeEventNotFound:           "The event was not found.",
	codeFolderNotFound:          "The specified folder could not be found in the store.",
	codeIDMalformed:             "Id is malformed.",
	codeImpersonateUserDenied:   "The account does not have permission to impersonate the requested user.",
	codeInvalidFolderType:       "The folder type is invalid for the requested operation.",
	codeMoveInProgress:          "The mailbox is being moved. Try again later.",
	codeNoCAS:                   "The Client Access server in the destination site did not respond.",
	codeNotProxied:              "The request cannot be proxied to the server that has the mailbox.",
	codeInvalidPullSubscription: "The subscription ID is invalid. This isn't a valid pull subscription.",
	codeInvalidRequest:          "The request is invalid.",
	codeInvalidServerVersion:    "The specified server version is invalid.",
	codeInvalidRestriction:      "The fake server knows no restrictions.",
	codeInvalidSubscription:     "Subscription is invalid.",
	codeInvalidSubscriptionReq:  "The subscription request is not valid.",
	codeInvalidSyncState:        "Synchronization state data is corrupt or otherwise invalid.",
	codeInvalidWatermark:        "The watermark is invalid.",
	codeItemNotFound:            "The specified object was not found in the store.",
	codeMissed:                  "Notification events were missed.",
	codeNewStream:               "A new event stream connection was opened for the subscription.",
	codeNonExistentMailbox:      "The SMTP address has no mailbox associated with it.",
	codeReadEventsFailed:        "The server could not read the events of the subscription.",
	codeServerBusy:              "The server cannot service this request right now. Try again later.",
	codeSubscriptionAccess:      "Access is denied. Only the subscription owner may access the subscription.",
	codeSubscriptionDelegate:    "Subscriptions are not supported for delegate user access.",
	codeSubscriptionNotFound:    "The specified subscription was not found.",
	codeSubscriptionUnsub:       "The subscription has been unsubscribed.",
	codeSyncFolderNotFound:      "The specified folder could not be found in the store.",
	codeTooManySubscriptions:    "You have exceeded the available subscriptions for your account. Remove unnecessary subscriptions and try your request again.",
	codeTooManyConnections:      "You have exceeded the available concurrent connections for your account.  Try again once your other requests have completed.",

	"ErrorImpersonationDenied":          "Impersonation is denied for the mailbox.",
	"ErrorImpersonationFailed":          "The account could not be impersonated.",
	"ErrorInvalidLicense":               "The mailbox has no valid license.",
	"ErrorOrganizationAccessBlocked":    "The organization's access to the service is blocked.",
	"ErrorExpiredSubscription":          "The subscription has expired.",
	"ErrorInternalServerError":          "An internal server error occurred. The operation failed.",
	"ErrorInternalServerTransientError": "An internal server error occurred. Try again later.",
	"ErrorMailboxStoreUnavailable":      "The mailbox database is temporarily unavailable.",
	"ErrorTimeoutExpired":               "The operation timed out.",
	"ErrorTooManyObjectsOpened":         "Too many concurrent connections opened., Cannot open mailbox.",
}
