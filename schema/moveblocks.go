package schema

import "github.com/zclconf/go-cty/cty"

// MovedBlock is the moved block.
func MovedBlock() *Block {
	return &Block{
		Type: "moved",
		Doc: "Says that an account has another address now, so that it goes on with the record, the token and the rejections of the old one: no login, no gap. " +
			"Chains are followed, and two accounts that are moved to each other are exchanged. A block may stay once it was carried out. See [Renaming and moving](../guides/renaming.md).",
		Attributes: []Attribute{
			{Name: "from", Type: cty.DynamicPseudoType, Required: true, Deferred: true, Doc: "The old address, as a reference: `account.sagi.coffee`. Of a block that had `for_each`, `account.sagi.shop[\"almaty\"]` is one instance; without the key, to a block without a key, all instances are moved."},
			{Name: "to", Type: cty.DynamicPseudoType, Required: true, Deferred: true, Doc: "The present address, of an account of the same provider."},
		},
	}
}

// ImportBlock is the import block.
func ImportBlock() *Block {
	return &Block{
		Type: "import",
		Doc: "A live token that an account without one begins with: apply verifies it and delivers it, without a login. " +
			"One that is not good is told, and a login follows. Once the account has a token the block does nothing. See [Taking over a live token](../guides/importing.md).",
		Attributes: []Attribute{
			{Name: "to", Type: cty.DynamicPseudoType, Required: true, Deferred: true, Doc: "The account, as a reference: `account.bifit_kassa.till`."},
			{Name: "access_token", Type: cty.String, Required: true, Sensitive: true, Doc: "The token."},
			{Name: "refresh_token", Type: cty.String, Sensitive: true, Doc: "What it can be refreshed with."},
			{Name: "expires_at", Type: cty.String, Sensitive: true, Doc: "When it expires, in RFC 3339: `2026-03-01T12:00:00Z`."},
			{Name: "outputs", Type: cty.DynamicPseudoType, Deferred: true, Doc: "Outputs of the provider that only a login gives, and that `data` or the verification needs: `{ user_id = \"17\" }`."},
		},
	}
}
