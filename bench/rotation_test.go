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
		name := s.Accounts()[0].Name
		p := newProcess(t, f.files(), "CREDSYNC_VAR_url="+s.URL(provider))
		if provider != "invoicebox" {
			s.Update(provider, name, func(a *sandbox.Account) { a.TokenLifetime = sandbox.Duration(10 * time.Second) })
		}
		p.run("apply", "--auto-approve")
		if provider != "invoicebox" {
			awaitDue(t, p)
		}
		s.ResetCounters()
		p.run("apply", "--auto-approve")
		c := s.Counters(provider, name)
		n := c.Logins.Received + c.Refreshes.Received + c.Verifications.Received + c.Keys.Received
		b.add(n <= goals[provider], fmt.Sprintf("upstream requests of a rotation, %s", provider), fmt.Sprint(goals[provider]), "%d (%d logins, %d refreshes, %d verifications)",
			n, c.Logins.Received, c.Refreshes.Received, c.Verifications.Received)
	}
}

// awaitDue returns when a rotation is due.
func awaitDue(t *testing.T, p *process) {
	t.Helper()
	for range 300 {
		if p.code("plan", "--offline", "--detailed-exitcode") == 2 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("no rotation was ever due")
}
