package soak

import (
	"net/http"
	"time"

	"pgregory.net/rapid"

	"github.com/calwatch/calwatch/internal/fakeserver"
	fake "github.com/calwatch/calwatch/internal/fakeserver/exchange"
)

func drawExchange(t *rapid.T) schedule {
	return drawSchedule(t, &exchange{
		connection: rapid.SampledFrom([]time.Duration{29 * time.Minute, 10 * time.Minute, 5 * time.Minute}).Draw(t, "connection"),
		discover:   rapid.Bool().Draw(t, "discover"),
		bare:       rapid.Bool().Draw(t, "bare"),
		dropping:   rapid.Bool().Draw(t, "dropping"),
		withheld:   rapid.IntRange(0, 7).Draw(t, "withheld") == 7,
		streams:    rapid.SampledFrom([]int{manyStreams, fewStreams}).Draw(t, "streams"),
		programs:   rapid.SliceOfN(rapid.Custom(drawExchangeProgram), 1, 3).Draw(t, "programs"),
	}, rapid.Custom(drawExchangeStep))
}

func drawExchangeProgram(t *rapid.T) exchangeSpec {
	return exchangeSpec{
		mailboxes: rapid.SliceOfNDistinct(rapid.IntRange(0, len(rooms)-1), 1, 5, rapid.ID).Draw(t, "mailboxes"),
		folders: rapid.SampledFrom([][]string{
			{"calendar"}, {"calendar", "inbox"}, {"inbox"}, nil,
		}).Draw(t, "folders"),
		few:      rapid.Bool().Draw(t, "few"),
		own:      rapid.IntRange(0, 5).Draw(t, "own") == 5,
		delegate: rapid.IntRange(0, 4).Draw(t, "delegate") == 4,
		scheme:   rapid.SampledFrom([]string{byToken, byToken, byBasic, byNTLM, byNTLM}).Draw(t, "scheme"),
		set:      rapid.Bool().Draw(t, "set"),
		pace:     pace{buffer: drawBuffer(t), listing: drawListing(t)},
	}
}

func drawExchangeStep(t *rapid.T) step {
	all := append(append([]what(nil), common...), kill, move, failover, throttle, throttle, spoil, astray, come, come, come, withhold, hide, limit, mute, rotate, rotate, snap, snap)
	x := drawCommon(t, all, []string{
		"Created", "Updated", "Deleted", "SubscriptionRemoved", "Missed", "Created", "NewMail", "SoftDeleted", "Moved", "Copied", "FreeBusyChanged",
	}, drawExchangeFault)
	switch x.do {
	case withhold, mute:
		x.span = durations(5*time.Minute, 8*time.Hour).Draw(t, "span")
	case snap:
		x.count = rapid.IntRange(1, 5).Draw(t, "connections")
		x.of = rapid.IntRange(1, 12).Draw(t, "at")
	case rotate:
		x.mute = rapid.Bool().Draw(t, "reset")
		x.span = rapid.OneOf(rapid.Just(time.Duration(0)), durations(time.Second, 20*time.Minute)).Draw(t, "span")
	case kill, spoil, astray, hide, limit:
		x.count = rapid.IntRange(0, 10).Draw(t, "count")
		x.span = durations(0, 20*time.Minute).Draw(t, "span")
	case move:
		x.count = rapid.IntRange(0, 10).Draw(t, "mailbox")
		x.span = rapid.SampledFrom([]time.Duration{0, 0, 10 * time.Second, 10 * time.Minute}).Draw(t, "span")
	case failover:
		x.count = rapid.IntRange(0, 10).Draw(t, "mailbox")
	case throttle:
		x.count = rapid.IntRange(0, 10).Draw(t, "mailbox")
		x.kind = string(rapid.SampledFrom([]fake.BusyShape{fake.BusyFault, fake.BusyMessage, fake.BusyStatus, fake.BusyWrapped}).Draw(t, "shape"))
		x.span = rapid.SampledFrom([]time.Duration{0, time.Second, 10 * time.Second, 90 * time.Second, 297749 * time.Millisecond}).Draw(t, "backOff")
		x.fault.Times = rapid.IntRange(1, 3).Draw(t, "times")
	}
	if x.do == mute {
		x.code = rapid.SampledFrom([]string{"ErrorInvalidRequest", "ErrorSchemaValidation", "ErrorInvalidSubscriptionRequest", "Client", "501"}).Draw(t, "code")
	}
	if x.do == hide {
		x.code = rapid.SampledFrom([]string{"ServerBusy", "InternalServerError", "InvalidUser"}).Draw(t, "code")
	}
	if x.do == spoil {
		x.code = rapid.SampledFrom([]string{
			"ErrorInvalidLicense", "ErrorImpersonateUserDenied", "ErrorNonExistentMailbox", "ErrorAccessDenied", "ErrorOrganizationAccessBlocked",
		}).Draw(t, "code")
	}
	return x
}

// codes are what the service may say. Those that no attempt can mend are in permanent, too.
var codes = []string{
	"", "ErrorServerBusy", "ErrorInternalServerError", "ErrorTimeoutExpired", "ErrorMailboxStoreUnavailable", "ErrorTooManyObjectsOpened",
	"ErrorInvalidSubscription", "ErrorSubscriptionNotFound", "ErrorExpiredSubscription", "ErrorSubscriptionUnsubscribed", "ErrorReadEventsFailed",
	"ErrorMissedNotificationEvents", "ErrorExceededConnectionCount", "ErrorExceededSubscriptionCount",
	"ErrorMailboxMoveInProgress", "ErrorMailboxFailover", "ErrorProxyRequestNotAllowed",
	"ErrorProxiedSubscriptionCallFailure", "ErrorNoRespondingCASInDestinationSite",
	"ErrorNonExistentMailbox", "ErrorAccessDenied", "ErrorImpersonateUserDenied", "ErrorInvalidRequest", "ErrorNewEventStreamConnectionOpened",
	"ErrorFolderNotFound", "ErrorSomethingThatNobodyKnows",
}

func drawExchangeFault(t *rapid.T) fakeserver.Fault {
	f := fakeserver.Fault{On: rapid.SampledFrom([]string{fake.OnStream, fake.OnStream, fake.OnStream, fake.OnListen, fake.OnSubscribe, fake.OnCall}).Draw(t, "on")}
	f.Do = rapid.SampledFrom(fakeserver.FaultsOn(f.On)).Draw(t, "fault")
	if f.On == fake.OnStream {
		f.After = rapid.IntRange(0, 3).Draw(t, "envelopes")
	}
	switch f.Do {
	case "status":
		f.Status = rapid.SampledFrom([]int{503, 429, 401, 404, 500, 502, 504, 401, 408, 409, 421, 423, 425, 449, 403, 410, 400}).Draw(t, "status")
		f.RetryAfter = rapid.SampledFrom([]string{"", "", "0", "30", "120", "Sat, 01 Jan 2000 03:00:00 GMT", "soon", "-1"}).Draw(t, "retryAfter")
	case "redirect":
		f.Status = rapid.SampledFrom([]int{0, http.StatusFound, http.StatusPermanentRedirect}).Draw(t, "status")
	case "slow":
		f.Delay = durations(time.Millisecond, 49*time.Second).Draw(t, "delay") // with a heartbeat, not just as long as silence may be
	case "cutAtByte":
		f.Bytes = rapid.IntRange(0, 3000).Draw(t, "bytes")
	case fake.DoSoapFault, fake.DoErrorMessage:
		f.Code = rapid.SampledFrom(codes).Draw(t, "code")
		f.Delay = rapid.SampledFrom([]time.Duration{0, 0, 0, 90 * time.Second}).Draw(t, "backOff")
	case "inStreamError":
		f.Code = rapid.SampledFrom(codes).Draw(t, "code")
	}
	return f
}
