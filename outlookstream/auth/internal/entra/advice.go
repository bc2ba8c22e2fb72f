package entra

import "net/url"

// advice says in one sentence what to do about an error of Entra ID, which has a number for each. It is "" for numbers that say no
// more than the OAuth error code does. What the numbers mean: learn.microsoft.com/entra/identity-platform/reference-error-codes.
func (app Application) advice(aadsts int, subcode string) string {
	switch aadsts {
	case 50076, 50074, 50078:
		return "sign in again: a second factor is asked for"
	case 50079, 50072:
		return "sign in again, and set up a second factor when asked to"
	case 50055:
		return "the password has expired: sign in again to change it"
	case 50126:
		return "the user name or the password was wrong: sign in again"
	case 50053, 50057:
		return "the account is locked or disabled: an administrator has to enable it"
	case 50034, 50020, 90072, 500200:
		return "the account does not belong to this directory: sign in with another, have an administrator invite it, or name its own tenant"
	case 50105:
		return "an administrator has to assign the account to the application (Enterprise applications, Users and groups)"
	case 50173, 50133, 50089, 70008, 70043, 700082, 700084:
		return "the sign-in was revoked or has expired: sign in again"
	case 50058:
		return "nobody is signed in where the request came from: sign in again"
	case 7000112:
		return "the application is disabled in this directory: an administrator has to enable it"
	case 530035:
		return "the organization's security defaults block this sign-in: use another way to sign in"
	case 53000, 53001, 53002:
		return "a Conditional Access policy wants a managed device: sign in on one, in a browser"
	case 53003, 530031, 530032, 530034:
		return "a Conditional Access policy blocks this sign-in: use another way to sign in, or ask an administrator which one it allows"
	case 65001, 65004, 90094, 90008:
		return app.consent()
	case 650052, 500011:
		return "the service that the scopes belong to is not known in this directory: check the scopes, and whether the organization has subscribed to it"
	case 70011, 28000, 650053, 65005, 1002012:
		return "check the scopes, and that the app registration lists them under API permissions"
	case 700016:
		return "the application is not known there: check the client id and the tenant"
	case 90002:
		return "there is no such tenant: check the tenant's id or domain"
	case 50194, 50059:
		return "name the tenant: the application works for one directory only, so the general authority refuses it"
	case 50011, 500113:
		return "add the redirect URI http://localhost to the app registration, as of a mobile and desktop application"
	case 7000218:
		if app.Confidential {
			return "the application has to prove itself with a secret or a certificate"
		}
		return "the app registration must allow public client flows"
	case 7000215:
		return "the client secret is wrong: use its value, which is shown once when it is made, not its id"
	case 7000222:
		return "the client secret has expired: make a new one in the app registration"
	case 700027, 700030:
		return "the certificate is not one of the app registration's, or has expired: upload it there"
	case 700211, 700212, 700213:
		return "no federated credential of the app registration fits: compare its issuer, subject and audience with the assertion's"
	case 50013:
		return "the assertion is not signed with a key that is known for its issuer, or was used before"
	case 700024:
		return "the assertion is not valid now: check this machine's clock"
	}
	if subcode == "consent_required" {
		return app.consent()
	}
	return ""
}

// consent names the page on which an administrator agrees for everybody, which also works where users may not.
func (app Application) consent() string {
	const what = "consent is missing: sign in again and agree, or have an administrator agree for everybody"
	if app.Host == "" || app.ClientID == "" {
		return what
	}
	tenant := app.Tenant
	if tenant == "" || tenant == "common" || tenant == "consumers" {
		tenant = "organizations"
	}
	page := "https://" + app.Host + "/" + url.PathEscape(tenant) + "/adminconsent?client_id=" + url.QueryEscape(app.ClientID)
	return what + " at " + page
}
