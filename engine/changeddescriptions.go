package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/state"
)

// grant is a token that was got by the configuration as it is.
func (o *observation) grant(t credential.Token) *state.Grant {
	g := state.NewGrant(t, o.fingerprints.login, o.fingerprints.shape)
	g.Description = o.account.cfg.Spec.DescriptionDigest
	return g
}

// descriptionChanged reports whether the upstream's description is another one than the
// account's token was got by; nil where nobody knows.
func (o *observation) descriptionChanged() *bool {
	g := o.record.Newest()
	if g == nil || g.Description == "" || o.account.cfg.Spec.DescriptionDigest == "" {
		return nil
	}
	changed := g.Description != o.account.cfg.Spec.DescriptionDigest
	return &changed
}

// changedDescriptions warns, once for each upstream, of descriptions that have changed since
// they were last used, where secrets are about to be sent as they say now. Accounts with
// nothing to do say nothing: their tokens were got by the description before, and the
// warning would stay in each plan until they are due. With the new token it ends.
func changedDescriptions(plans []*AccountPlan) (list diag.List) {
	users := map[*providers.Spec][]*AccountPlan{}
	var order []*providers.Spec
	for _, ap := range plans {
		if ap.UpstreamChanged == nil || !*ap.UpstreamChanged || !ap.Action.Contacts() {
			continue
		}
		spec := ap.seen.account.cfg.Spec
		if users[spec] == nil {
			order = append(order, spec)
		}
		users[spec] = append(users[spec], ap)
	}
	slices.SortFunc(order, func(a, b *providers.Spec) int { return strings.Compare(a.Name, b.Name) })
	for _, spec := range order {
		accounts := users[spec]
		named := accounts[0].Address
		if n := len(accounts) - 1; n > 0 {
			named += fmt.Sprintf(" and %d more", n)
		}
		var hosts []string
		for _, ap := range accounts {
			hosts = append(hosts, ap.SecretHosts...)
		}
		slices.Sort(hosts)
		hosts = slices.Compact(hosts)
		to := ""
		if len(hosts) > 0 {
			to = ", to " + strings.Join(hosts[:min(len(hosts), mostHosts)], ", ")
		}
		list = append(list, diag.Warningf("The description of an upstream has changed",
			"The description of upstream %q (%s) differs from the one that the token of %s was issued by. An apply sends secrets as the new one says%s. Review the change first.",
			spec.Name, spec.DescriptionPlace, named, to))
	}
	return list
}

// mostHosts bounds how many hosts a warning names.
const mostHosts = 10
