package exchange_test

import (
	"strings"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
)

const oldTypes = `<t:EventTypes><t:EventType>CreatedEvent</t:EventType></t:EventTypes>`

func TestAnOldServerHasWhatItsSchemaHas(t *testing.T) {
	const timeout = `<t:Timeout>10</t:Timeout>`
	all := strings.Replace(pullRequest(oldTypes+timeout), "<m:PullSubscriptionRequest>", `<m:PullSubscriptionRequest SubscribeToAllFolders="true">`, 1)
	for _, tt := range []struct {
		is           exchange.ServerVersion
		version      string
		body         string
		fault, says  string // "": it does as it is asked
		alsoAnswered string
	}{
		{exchange.Version2007, "Exchange2010", pullRequest(folders("inbox") + oldTypes + timeout), "ErrorInvalidServerVersion", "", ""},
		{exchange.Version2007, "Exchange2007_SP1", pullRequest(folders("inbox") + oldTypes + timeout), "", "", `MinorBuildNumber="0" xmlns`},
		{exchange.Version2007, "Exchange2007_SP1", all, "ErrorSchemaValidation", "SubscribeToAllFolders", ""},
		{exchange.Version2007, "Exchange2007_SP1", streamingRequest(folders("inbox") + oldTypes), "ErrorSchemaValidation", "StreamingSubscriptionRequest", ""},
		{exchange.Version2010RTM, "Exchange2010_SP1", streamingRequest(folders("inbox") + oldTypes), "ErrorInvalidServerVersion", "", ""},
		{exchange.Version2010RTM, "Exchange2010", all, "", "", `Version="Exchange2010"`},
		{exchange.Version2010RTM, "Exchange2010", pullRequest(folders("inbox") + allTypes + timeout), "ErrorSchemaValidation", "FreeBusyChangedEvent", ""},
		{exchange.Version2010, "Exchange2010", pullRequest(folders("inbox") + allTypes + timeout), "ErrorIncorrectSchemaVersion", "Exchange2010_SP1", ""},
		{exchange.Version2010, "Exchange2007_SP1", all, "ErrorIncorrectSchemaVersion", "Exchange2010", ""},
	} {
		inMemory(t, "h1", &exchange.Options{Version: tt.is}, func(t *testing.T, f *fixture) {
			a := f.do(f.request(t.Context(), envelope(tt.version, "", tt.body)))
			if tt.fault != "" {
				a.wantFault(t, tt.fault, tt.says)
				return
			}
			if a.want(t, "NoError"); !strings.Contains(a.body, tt.alsoAnswered) {
				t.Errorf("the answer is %s", a.body)
			}
		})
	}
}

func TestAServerCanBeUpgraded(t *testing.T) {
	inMemory(t, "h1", &exchange.Options{Version: exchange.Version2007}, func(t *testing.T, f *fixture) {
		request := envelope("Exchange2010_SP1", "", streamingRequest(folders("inbox")+oldTypes))
		f.do(f.request(t.Context(), request)).wantFault(t, "ErrorInvalidServerVersion", "")
		f.s.Exchange().SetVersion(exchange.Version2010)
		f.do(f.request(t.Context(), request)).want(t, "NoError")
	})
}

func TestAServerWithoutStreamsHasAllElse(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		listen := `<m:GetStreamingEvents><m:SubscriptionIds><t:SubscriptionId>x</t:SubscriptionId></m:SubscriptionIds><m:ConnectionTimeout>1</m:ConnectionTimeout></m:GetStreamingEvents>`
		for _, body := range []string{streamingRequest(folders("inbox") + allTypes), listen} {
			f.s.Exchange().SetStreamless("ErrorInvalidRequest")
			f.call(body).wantFault(t, "ErrorInvalidRequest", "there is no")
			f.s.Exchange().SetStreamless("ErrorInvalidSubscriptionRequest")
			f.call(body).want(t, "ErrorInvalidSubscriptionRequest")
			f.s.Exchange().SetStreamless("501")
			if a := f.call(body); a.StatusCode != 501 || a.body != "" {
				t.Errorf("%d %s", a.StatusCode, a.body)
			}
		}
		f.pull("inbox")
		f.s.Exchange().SetStreamless("")
		f.call(streamingRequest(folders("inbox")+allTypes)).want(t, "NoError")
	})
}
