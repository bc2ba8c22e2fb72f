// Watch prints what changes in the calendar of whoever signs in.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

func main() {
	ctx := context.Background()
	app, err := msalauth.New(msalauth.Options{ClientID: os.Getenv("CLIENT_ID")})
	if err != nil {
		log.Fatal(err)
	}
	scopes := []string{"https://outlook.office.com/calendars.read"}
	account, err := app.SignInDeviceCode(ctx, scopes, prompt)
	if err != nil {
		log.Fatal(err)
	}
	client, err := outlookstream.New(app.Provider(account.ID), &outlookstream.Options{Endpoint: os.Getenv("ENDPOINT")})
	if err != nil {
		log.Fatal(err)
	}
	for event, err := range client.Watch(ctx, outlookstream.Resource{Path: "me/events"}) {
		if err != nil {
			log.Fatal(err) // only what a person has to mend ends a watch
		}
		if event.Kind == outlookstream.Resync {
			fmt.Println("list the calendar again:", event.Reason) // at the start, too
			continue
		}
		fmt.Println(event.Kind, event.ID)
	}
}

func prompt(_ context.Context, code msalauth.DeviceCode) error {
	fmt.Println(code.Message)
	return nil
}
