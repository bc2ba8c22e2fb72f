// Package azauth gets tokens from any azcore.TokenCredential: managed identity, workload identity, client credentials, the
// Azure CLI, or one of your own. [New] makes an [auth.Provider] of a credential, [Credential] goes the other way.
//
//	cred, err := azidentity.NewManagedIdentityCredential(nil)
//	...
//	client, err := outlookstream.New(azauth.New(cred, nil), nil)
//
// It needs azcore, not azidentity, which is imported by the program that makes the credential.
//
// # Scopes
//
// Credentials without a person take one resource, as RESOURCE/.default, and what the application may do there is decided by
// the permissions that an administrator has granted it. That is what they are asked for, whatever the scopes of the request
// are: "https://outlook.office.com/Calendars.Read" becomes "https://outlook.office.com/.default". Credentials of a person
// understand it too: it stands for all that was consented to. [Options].Delegated asks for the single permissions instead.
//
// # Nobody is prompted
//
// Make the credentials of a person (device code, interactive browser) with DisableAutomaticAuthentication and call their
// Authenticate method while the person is there. Without it azidentity prompts whenever it likes, from the middle of a
// GetToken. With it, azidentity reports every failed renewal, even a network that is down, as a need to sign in, and so
// does the Provider; package msalauth tells the two apart.
//
// # When the server refuses a token
//
// azcore has no way of saying that a token was refused, and a credential returns what its cache holds. The Provider asks
// plainly first, because the cache may hold another one by now. If it gets the refused token again, it asks with a claims
// challenge of its own: that the token must not be older than now. What comes of that depends on the credential:
//
//	ClientSecret, ClientCertificate, ClientAssertion   a new token
//	WorkloadIdentity, AzurePipelines                   a new token
//	DeviceCode, InteractiveBrowser                     a new token, through the refresh token
//	ManagedIdentity                                    azidentity asks again, but the host has a cache, too: it may return
//	                                                   the same token for hours
//	AzureDeveloperCLI                                  a new token, or a failure if azd wants the person
//	AzureCLI, AzurePowerShell                          none: they refuse claims
//	chains, DefaultAzureCredential                     as the credential that they have settled on
//
// If there is no other token the error is [auth.ErrRejected], with what to do about it. A claims challenge of the server's
// own is passed on as it is; credentials that refuse claims make it an [auth.InteractionError] with the command to run.
//
// # Time
//
// azcore repeats requests by itself: three times with pauses of about 1, 3 and 7 s, six times over more than a minute for
// managed identities, and as the server's Retry-After says. The Provider gives all of it 60 s, as [auth.Cached] does; a
// caller that is less patient has its own ctx. Set Retry in the credential's ClientOptions for another rhythm.
//
// # Errors
//
// The text of azidentity's errors can contain whole answers of the sign-in service. None of it is passed on: errors are made
// anew from the status, the error codes and AADSTS numbers. For the rest, azidentity has a log: run the program with
// AZURE_SDK_GO_LOGGING=all.
package azauth
