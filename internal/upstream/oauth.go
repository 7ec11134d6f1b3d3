package upstream

// The error codes of a token endpoint: RFC 6749, section 5.2.
const (
	InvalidRequest       = "invalid_request"
	InvalidClient        = "invalid_client"
	InvalidGrant         = "invalid_grant"
	UnauthorizedClient   = "unauthorized_client"
	UnsupportedGrantType = "unsupported_grant_type"
	InvalidScope         = "invalid_scope"
)

// MFARequired is the code of servers that ask for a second factor. It is in no
// standard, yet the one that they agree on.
const MFARequired = "mfa_required"

// Locked are pieces of the texts by which a server says that an account is
// locked, in small letters. No standard has a code for it.
var Locked = []string{"locked", "заблокирован"}
