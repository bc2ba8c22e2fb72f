package ews_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/calwatch/calwatch/outlookstream/ews"
)

// Where are these mailboxes, and which of them can share a stream?
func ExampleClient_Autodiscover() {
	server := httptest.NewTLSServer(http.HandlerFunc(exampleAutodiscover)) // in the place of Exchange
	defer server.Close()

	password := func(context.Context) (string, error) { return "from a file or a keyring", nil }
	client, err := ews.New(ews.Basic(`CONTOSO\svc-watch`, password), &ews.Options{
		HTTPClient:   server.Client(),
		Autodiscover: ews.AutodiscoverOptions{Servers: []string{server.URL}},
	})
	if err != nil {
		log.Fatal(err)
	}
	addresses := []string{"alice@contoso.com", "nobody@contoso.com"}
	settings, err := client.Autodiscover(context.Background(), addresses...)
	if err != nil {
		log.Fatal(err)
	}
	for _, address := range addresses {
		if s := settings[address]; s.Err != nil {
			fmt.Println(s.Err)
		} else {
			fmt.Println(address, s.URL, s.Grouping)
		}
	}
	// Output:
	// alice@contoso.com https://mail.contoso.com/EWS/Exchange.asmx CONTOSO-1
	// ews: Autodiscover for nobody@contoso.com: InvalidUser: The user does not exist.
}

func exampleAutodiscover(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_, _ = io.WriteString(w, `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>
<GetUserSettingsResponseMessage xmlns="http://schemas.microsoft.com/exchange/2010/Autodiscover"><Response><ErrorCode>NoError</ErrorCode><UserResponses>
<UserResponse><ErrorCode>NoError</ErrorCode><UserSettings>
<UserSetting><Name>ExternalEwsUrl</Name><Value>https://mail.contoso.com/EWS/Exchange.asmx</Value></UserSetting>
<UserSetting><Name>GroupingInformation</Name><Value>CONTOSO-1</Value></UserSetting>
</UserSettings></UserResponse>
<UserResponse><ErrorCode>InvalidUser</ErrorCode><ErrorMessage>The user does not exist.</ErrorMessage></UserResponse>
</UserResponses></Response></GetUserSettingsResponseMessage></s:Body></s:Envelope>`)
}
