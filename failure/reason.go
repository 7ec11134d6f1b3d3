package failure

// Reason is the word for why an account is blocked; the same word appears in
// the text output, in JSON and in metrics.
type Reason string

// The reasons for which an account can be blocked by its upstream.
const (
	NeedsCode               Reason = "needs_code"
	CredentialsRejected     Reason = "credentials_rejected"
	CertificateExpired      Reason = "certificate_expired"
	AccountLocked           Reason = "account_locked"
	PasswordChangeRequired  Reason = "password_change_required"
	SecondFactorUnsupported Reason = "second_factor_unsupported"
	NoAccess                Reason = "no_access"
	// UnclassifiedRefusal: the upstream refuses the login, and its document does not
	// say why.
	UnclassifiedRefusal Reason = "unclassified_refusal"
	// NeedsApproval: a person has to log in or to agree at the upstream, and nothing that
	// runs by itself can.
	NeedsApproval Reason = "needs_approval"
	// ExpiredAtIssue: the tokens that the upstream hands out are over already.
	ExpiredAtIssue Reason = "expired_at_issue"
)
