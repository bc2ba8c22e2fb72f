package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/azauth"
)

func (a *authFlags) managedIdentity() (*credentials, error) {
	var options azidentity.ManagedIdentityCredentialOptions
	if a.application.clientID != "" {
		options.ID = azidentity.ClientID(a.application.clientID)
	}
	credential, err := azidentity.NewManagedIdentityCredential(&options)
	if err != nil {
		return nil, usage(fmt.Errorf("--auth: %w", err))
	}
	return given(newMachine(credential)), nil
}

// machine is an auth.Provider of a managed identity. Where nothing like Azure
// answers it says so, instead of asking for ever.
type machine struct {
	credential azcore.TokenCredential
	provider   auth.Provider // which asks the machine, and keeps the tokens
	had        atomic.Bool   // there was a token once
	foreign    atomic.Bool   // what answered last is no identity service
}

func newMachine(credential azcore.TokenCredential) *machine {
	m := &machine{credential: credential}
	m.provider = azauth.New(m, nil)
	return m
}

// GetToken implements azcore.TokenCredential.
func (m *machine) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := m.credential.GetToken(ctx, options)
	m.foreign.Store(isForeign(err))
	return token, err
}

// Token implements auth.Provider.
func (m *machine) Token(ctx context.Context, r auth.Request) (auth.Token, error) {
	token, err := m.provider.Token(ctx, r)
	switch {
	case err == nil:
		m.had.Store(true)
	case m.foreign.Load() && !m.had.Load():
		err = fmt.Errorf("%w: this machine has no Azure identity: what answers in the place of Azure's identity service is none", auth.ErrMisconfigured)
	}
	return token, err
}

// isForeign says whether a credential has failed because of an answer that the
// identity service never gives: its refusals are JSON. The credential itself
// has asked again by then, where that may help.
func isForeign(err error) bool {
	failed, ok := errors.AsType[*azidentity.AuthenticationFailedError](err)
	if !ok || failed.RawResponse == nil {
		return false
	}
	status := failed.RawResponse.StatusCode
	if status < 400 || status >= 500 || status == http.StatusTooManyRequests {
		return false
	}
	body, err := runtime.Payload(failed.RawResponse)
	return err == nil && !json.Valid(body)
}

func (a *authFlags) azureCLI(s *session) (*credentials, error) {
	credential, err := azidentity.NewAzureCLICredential(&azidentity.AzureCLICredentialOptions{TenantID: a.application.tenant})
	if err != nil {
		return nil, usage(fmt.Errorf("--auth: %w", err))
	}
	if _, err := findProgram(s.environ, "az"); err != nil {
		return nil, usage(errors.New("--auth azure-cli: az was not found: install the Azure CLI and run az login"))
	}
	c := given(azauth.New(credential, nil))
	c.advise = func(err error) error {
		ie, ok := errors.AsType[*auth.InteractionError](err)
		if !ok {
			return err
		}
		s.log.Debug("somebody has to sign in", "err", err)
		plainly := *ie
		plainly.Advice = ""
		return &signInNeeded{fmt.Sprintf("nobody is signed in to the Azure CLI%s: run az login", reason(err, &plainly))}
	}
	return c, nil
}
