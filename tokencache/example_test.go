package tokencache_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"

	"github.com/calwatch/calwatch/tokencache"
)

func Example() {
	home, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(home)

	store, err := tokencache.Open(filepath.Join(home, "tokens"), tokencache.First(
		tokencache.Credential("calwatch.key"),                // a service under systemd has it
		tokencache.NewKeyFile(filepath.Join(home, "my.key")), // everybody else gets one
	))
	if errors.Is(err, tokencache.ErrNoKey) {
		fmt.Println("signing in will be for this run only:", err)
		return
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()

	client, err := public.New("0f5d9a3e-8a47-4f0c-9c35-51b6a7d2e8c4", public.WithCache(store.Account("alex@contoso.com")))
	if err != nil {
		fmt.Println(err)
		return
	}
	accounts, err := client.Accounts(context.Background())
	fmt.Println(len(accounts), "accounts in MSAL's cache:", err)
	// Output: 0 accounts in MSAL's cache: <nil>
}

func ExampleFirst() {
	_, err := tokencache.First(tokencache.KeyFile("/no/such/key")).Key()
	fmt.Println(err)
	fmt.Println(errors.Is(err, tokencache.ErrNoKey))
	// Output:
	// tokencache: no key for the token cache (key file /no/such/key: it does not exist)
	// true
}
