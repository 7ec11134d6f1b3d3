package sandbox

// DemoAccounts are accounts to try things out with; their values are the
// upstreams' own documented examples.
func DemoAccounts() []Account {
	return []Account{
		{
			Upstream: "invoicebox", Name: "demo", Token: "b37c4c689295904ed21eee5d9a48d42e",
			Invoicebox: &InvoiceboxAccount{UserID: "01771533-8e75-3234-8e3d-9213ae2d7c52"},
		},
		{
			Upstream: "invoicebox", Name: "demo-l3", Token: "29078-API:b37c4c689295904ed21eee5d9a48d42e",
			Invoicebox: &InvoiceboxAccount{UserID: "01771533-8e75-3234-8e3d-9213ae2d7c52"},
		},
		{
			Upstream: "sagi", Name: "business_user@example.com", Password: "secure_password",
			Sagi: &SagiAccount{
				OrganizationID: "1231456789", Role: "administrator",
				Branches: []SagiBranch{
					// Larger than an int64 can hold, as in the document.
					{ID: "9876543210987654321", Name: "BranchName", GroupID: "18446744073709551557", SubscriptionActive: true},
					{ID: "1234567890123456789", Name: "Second branch", GroupID: "1988850967616950272", SubscriptionActive: true},
				},
			},
		},
		{
			Upstream: "bereke", Name: "test", Password: "bank_password",
			Bereke: &BerekeAccount{
				UserID: "111111111111", Role: "ANONYMOUS",
				Customers: []BerekeCustomer{
					// The tab is in the document's example.
					{ID: "111111", Name: "ТОО \test\""},
					{ID: "111112", Name: "ИП Test."},
				},
			},
		},
		{
			Upstream: "bifit_kassa", Name: "79001234567", Password: "secure_password",
			BifitKassa: &BifitKassaAccount{UserID: "4567"},
		},
		{
			Upstream: "bifit_kassa", Name: "79007654321", Password: "secure_password",
			BifitKassa: &BifitKassaAccount{UserID: "4568", SecondFactor: true},
		},
		{
			Upstream: "astana_plat", Name: "login", Password: "password",
			AstanaPlat: &AstanaPlatAccount{},
		},
		{
			Upstream: "astana_plat", Name: "demo-certificate",
			AstanaPlat: &AstanaPlatAccount{Certificate: "demo"},
		},
		{
			Upstream: "loyalty", Name: "shop", Password: "loyalty_password",
			Loyalty: &LoyaltyAccount{OrganizationID: "1231456789"},
		},
		{
			Upstream: "loyalty", Name: "shop-rotating", Password: "loyalty_password",
			Loyalty: &LoyaltyAccount{OrganizationID: "1231456790", Rotates: true},
		},
		{
			Upstream: "veeva", Name: "credsync-client", Password: "client_password",
			Veeva: &VeevaAccount{Profile: "_9ad0a091-cbd6-4c59-ab5a-d4f2870f218c", VaultID: 1776, UserID: 12021},
		},
		{
			Upstream: "gitlab", Name: "deploy", Token: "glpat-demo-deploy-4041",
			Gitlab: &GitlabAccount{UserID: 3, Scopes: []string{"read_registry"}},
		},
		{
			Upstream: "gitlab", Name: "rotating", Token: "glpat-demo-rotating-4042",
			Gitlab: &GitlabAccount{UserID: 3, Scopes: []string{"read_registry", "self_rotate"}},
		},
		{
			Upstream: "github", Name: "4711",
			Github: &GithubAccount{
				AppID: "Iv23liDemo", Repositories: []string{"website", "server"},
				Permissions: map[string]string{"contents": "write", "metadata": "read"},
			},
		},
	}
}
