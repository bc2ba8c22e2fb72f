package signin

import "slices"

// exchangeOnline is the id of the application whose tokens these are.
const exchangeOnline = "00000002-0000-0ff1-ce00-000000000000"

// rejectionKind is a row of the table. {app} and {resource} in a text stand for ids; {EmailHidden} is what the real service
// writes.
type rejectionKind struct {
	code      int    // the number after AADSTS
	oauth     string // "error" at the token endpoint; "" if that has no such answer
	sub       string // "suberror"
	claims    bool   // there are claims to ask for next time
	authorize string // "error" at the redirect URI; "" if the authorization endpoint has no such answer
	text      string
}

// happensOn says whether a request of this kind can end so: what is about a person does not happen to an application.
func (k rejectionKind) happensOn(on string) bool {
	switch on {
	case onAuthorize:
		return k.authorize != ""
	case clientCredentialsGrant:
		return k.oauth != "" && (k.oauth != "invalid_grant" || k.code == 53003) // conditional access has policies for applications, too
	}
	return k.oauth != ""
}

// RejectionCodes returns the codes that a Rejection can have, in ascending order.
func RejectionCodes() []int {
	var codes []int
	for _, k := range rejectionKinds() {
		codes = append(codes, k.code)
	}
	return codes
}

func findRejection(code int) (rejectionKind, bool) {
	kinds := rejectionKinds()
	i := slices.IndexFunc(kinds, func(k rejectionKind) bool { return k.code == code })
	if i < 0 {
		return rejectionKind{}, false
	}
	return kinds[i], true
}

// rejectionKinds is every rejection there is. Numbers and texts are the real service's; where it is not known which suberror or
// which error at a redirect URI it sends, there is none, or access_denied: our choice.
func rejectionKinds() []rejectionKind {
	return []rejectionKind{
		{code: 50034, oauth: "invalid_grant", authorize: "access_denied",
			text: "The user account {EmailHidden} does not exist in the directory. To sign into this application, the account must be added to the directory."},
		{code: 50053, oauth: "invalid_grant", authorize: "access_denied",
			text: "The account is locked, you've tried to sign in too many times with an incorrect user ID or password."},
		{code: 50055, oauth: "invalid_grant", sub: "user_password_expired", authorize: "interaction_required",
			text: "The password is expired."},
		{code: 50057, oauth: "invalid_grant", authorize: "access_denied",
			text: "The user account is disabled."},
		{code: 50058, oauth: "invalid_grant", authorize: "login_required",
			text: "A silent sign-in request was sent but no user is signed in."},
		{code: 50076, oauth: "invalid_grant", sub: "basic_action", claims: true, authorize: "interaction_required",
			text: "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '{resource}'."},
		{code: 50078, oauth: "invalid_grant", sub: "basic_action", claims: true, authorize: "interaction_required",
			text: "Presented multi-factor authentication has expired due to policies configured by your administrator, you must refresh your multi-factor authentication to access '{resource}'."},
		{code: 50079, oauth: "invalid_grant", sub: "basic_action", claims: true, authorize: "interaction_required",
			text: "Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication to access '{resource}'."},
		{code: 50105, oauth: "invalid_grant", authorize: "access_denied",
			text: "Your administrator has configured the application '{app}' to block users unless they are specifically granted ('assigned') access to the application. The signed in user '{EmailHidden}' is blocked because they are not a direct member of a group with access, nor had access directly assigned by an administrator. Please contact your administrator to assign access to this application."},
		{code: 50126, oauth: "invalid_grant", authorize: "access_denied",
			text: "Error validating credentials due to invalid username or password."},
		{code: 50173, oauth: "invalid_grant", sub: "bad_token", authorize: "interaction_required",
			text: "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password."},
		{code: 53003, oauth: "invalid_grant", sub: "message_only", claims: true, authorize: "access_denied",
			text: "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance."},
		{code: 65001, oauth: "invalid_grant", sub: "consent_required", authorize: "consent_required",
			text: "The user or administrator has not consented to use the application with ID '{app}'. Send an interactive authorization request for this user and resource."},
		{code: 65004, authorize: "access_denied",
			text: "User declined to consent to access the app."},
		{code: 70011, oauth: "invalid_scope", authorize: "invalid_scope",
			text: "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid."},
		{code: 70043, oauth: "invalid_grant", sub: "token_expired",
			text: "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access."},
		{code: 90072, oauth: "invalid_grant", authorize: "access_denied",
			text: "User account '{EmailHidden}' from identity provider does not exist in tenant and cannot access the application '{app}' in that tenant. The account needs to be added as an external user in the tenant first. Sign out and sign in again with a different Azure Active Directory user account."},
		{code: 90094, oauth: "invalid_grant", authorize: "access_denied",
			text: "The grant requires admin permission. Ask an administrator to consent to the application '{app}'."},
		{code: 530034, oauth: "invalid_grant", authorize: "access_denied",
			text: "A delegated administrator was blocked from accessing the tenant due to account risk in their home tenant."},
		{code: 530035, oauth: "invalid_grant", authorize: "access_denied",
			text: "Access has been blocked by security defaults. This is due to the request using legacy auth or being deemed unsafe by security defaults policies."},
		{code: 700016, oauth: "unauthorized_client", authorize: "unauthorized_client",
			text: "Application with identifier '{app}' was not found in the directory. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant."},
		{code: 700082, oauth: "invalid_grant",
			text: "The refresh token has expired due to inactivity."},
		{code: 7000112, oauth: "unauthorized_client", authorize: "unauthorized_client",
			text: "Application '{app}' is disabled."},
		{code: 7000215, oauth: "invalid_client",
			text: "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{app}'."},
		{code: 7000222, oauth: "invalid_client",
			text: "The provided client secret keys for app '{app}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds."},
	}
}
