package bereke_test

import (
	"testing"

	"github.com/credsync/credsync/providers/bereke"
	"github.com/credsync/credsync/testkit/providertest"
)

func TestWhatMustNotBeShown(t *testing.T) {
	providertest.CheckSensitive(t, bereke.Spec(), providertest.Sensitive{
		Secret: "password basic_auth", Public: "username public_key device_fingerprint", Outputs: "access_token refresh_token", Withheld: "bank_branch_code can_skip cus_unique_idn customer_external_id customer_user_id demand digital_signature_type is_device_trusted " +
			"otp_strategy refresh_token role_id role_version sign_level suggest_add_device user_type",
	})
}
