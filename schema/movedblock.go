package schema

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/zclconf/go-cty/cty"
)

// MovedBlock is the moved block.
func MovedBlock() *Block {
	return &Block{
		Type: "moved",
		Doc: "Renames an account: its record (token, refresh token and rejections) moves to the new address, without a login. " +
			"Both addresses are written as references: `account.sagi.coffee`, or `account.sagi.shop[\"almaty\"]` for one instance of a `for_each`. Without an instance in either, " +
			"each instance moves to the one with the same key. Chains are followed, and two accounts may swap addresses. The block may stay; once its work is done it has no effect.",
		Attributes: []Attribute{
			{
				Name: "from", Type: cty.DynamicPseudoType, Required: true, Deferred: true,
				Doc: "The account's previous address. It must no longer be declared, unless two blocks swap two accounts.",
			},
			{Name: "to", Type: cty.DynamicPseudoType, Required: true, Deferred: true, Doc: "The account's current address, of the same provider."},
		},
	}
}

// ImportBlock is the import block.
func ImportBlock() *Block {
	return &Block{
		Type: "import",
		Doc: "A token that was issued elsewhere, such as by the script that credsync replaces. It is used only if the account has no token yet: apply verifies and delivers it, without a login. " +
			"The block may stay; once its work is done it has no effect.",
		Attributes: []Attribute{
			{
				Name: "to", Type: cty.DynamicPseudoType, Required: true, Deferred: true,
				Doc: "The account that gets the token, written as a reference: `account.bifit_kassa.till`, or `account.sagi.shop[\"almaty\"]` for one instance of a `for_each`.",
			},
			{Name: "access_token", Type: cty.String, Required: true, Sensitive: true, Doc: "The token."},
			{
				Name: "refresh_token", Type: cty.String, Sensitive: true,
				Doc: "The refresh token, for a provider that has such an output.",
			},
			{
				Name: "expires_at", Type: cty.String, Sensitive: true, Public: true, Check: checkTime, DefaultText: "the token does not expire",
				Doc: "When the token expires, such as `2026-01-31T15:04:05Z`.",
			},
			{
				Name: "outputs", Type: cty.DynamicPseudoType, Sensitive: true, Check: checkObject,
				Doc: "An object of the provider's other outputs, as far as they are known: `{ user_id = … }`.",
			},
		},
	}
}

// checkTime does not quote the value, which may be anything.
func checkTime(v cty.Value) error {
	if _, err := time.Parse(time.RFC3339, v.AsString()); err != nil {
		return errors.New("must be an RFC 3339 time: year, month, day, T, the time of day and Z or an offset, such as \"2026-01-31T15:04:05Z\" or \"2026-01-31T20:04:05+05:00\"")
	}
	return nil
}

func checkObject(v cty.Value) error {
	if t := v.Type(); !t.IsObjectType() && !t.IsMapType() {
		return fmt.Errorf("must be an object such as { user_id = … }, but this is a %s", t.FriendlyName())
	}
	return nil
}

// checkProjects examines the names that a project had before.
func checkProjects(v cty.Value) error {
	var seen []string
	for it := v.ElementIterator(); it.Next(); {
		_, e := it.Element()
		if e.IsNull() {
			return errors.New("has an element that is null")
		}
		if err := checkProject(e); err != nil {
			return err
		}
		if slices.Contains(seen, e.AsString()) {
			return fmt.Errorf("%q is listed twice", e.AsString())
		}
		seen = append(seen, e.AsString())
	}
	return nil
}

// checkFormerProjects is the Check of the credsync block.
func checkFormerProjects(v Values) error {
	if v.Known("project") && v.Known("formerly") && slices.Contains(v.Strings("formerly"), v.String("project")) {
		return fmt.Errorf("formerly: %q is the project's own name; list only its previous names", v.String("project"))
	}
	return nil
}
