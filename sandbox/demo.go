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
	}
}
