//go:build bench

package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/credsync/credsync/sandbox"
)

// rotation counts what one rotation asks of each upstream.
func rotation(t *testing.T, b *table) {
	goals := map[string]int{"invoicebox": 1, "sagi": 2, "bifit_kassa": 1, "bereke": 1, "astana_plat": 1}
	for _, provider := range []string{"invoicebox", "sagi", "bifit_kassa", "bereke", "astana_plat"} {
		f := fleet{provider: provider, accounts: 1, form: inBlocks, place: inFiles}
		s := upstreams(t, f)
		p := newProcess(t, f.files(), "CREDSYNC_VAR_url="+s.URL(provider))
		p.run("apply", "--auto-approve")
		name := s.Accounts()[0].Name
		s.Revoke(provider, name)
		if provider != "invoicebox" {
			s.Update(provider, name, func(a *sandbox.Account) { a.TokenLifetime = sandbox.Duration(time.Hour) })
		}
		s.ResetCounters()
		p.run("apply", "--auto-approve", "--replace", "account."+provider+"."+f.key(0))
		c := s.Counters(provider, name)
		n := c.Logins.Received + c.Refreshes.Received + c.Verifications.Received + c.Keys.Received
		b.add(n <= goals[provider], fmt.Sprintf("upstream requests of a rotation, %s", provider), fmt.Sprint(goals[provider]), "%d (%d logins, %d refreshes, %d verifications)",
			n, c.Logins.Received, c.Refreshes.Received, c.Verifications.Received)
	}
}
