//go:build bench

package bench

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/all"
	sinksall "github.com/credsync/credsync/sinks/all"
	"github.com/credsync/credsync/testkit/servers"
	"github.com/hashicorp/go-hclog"
)

// firstApply measures the first apply of many accounts of each provider. It needs
// the list of the records, of which there are none; and for each account to look
// at the target, and to write the lease, the journal, the owner's mark, the token
// and the commit, besides the upstream's requests.
func firstApply(t *testing.T, b *table) {
	for _, provider := range all.Registry().Names() {
		f, n := fleet{provider: provider, accounts: small(), form: fromCSV, place: inVault}, min(3, *rounds)
		if provider == "bereke" {
			// Its accounts log in at a few a second, so more of them tell
			// nothing more.
			f.accounts, n = min(f.accounts, 100), 1
		}
		var peak int64
		ratio, ours, theirs := ratios(n, func() time.Duration {
			v, _, p := vaultFleet(t, f)
			defer v.Stop()
			c := p.run("apply", "--auto-approve")
			peak = max(peak, c.Resident)
			return c.Wall
		}, func() time.Duration {
			v, s, p := vaultFleet(t, f)
			defer v.Stop()
			return applyAll(t, v, s.URL(provider), p.dir, f)
		})
		b.add(ratio <= 1.3, fmt.Sprintf("first `apply`, %d accounts of %s", f.accounts, provider), "≤ 1.3 × floor",
			"%.2f × floor (%s, floor %s; %s)", ratio, short(ours), short(theirs), megabytes(peak))
	}
	growthOfApply(t, b)
}

// growthOfApply applies the small and the large configuration in turn.
func growthOfApply(t *testing.T, b *table) {
	var peak int64
	apply := func(n int) time.Duration {
		v, _, p := vaultFleet(t, fleet{provider: "sagi", accounts: n, form: fromCSV, place: inVault})
		defer v.Stop()
		c := p.run("apply", "--auto-approve")
		peak = max(peak, c.Resident)
		return c.Wall
	}
	growth, took, _ := ratios(
		min(3, *rounds),
		func() time.Duration { return apply(*large) },
		func() time.Duration { return apply(small()) },
	)
	b.add(
		growth <= 10.5,
		fmt.Sprintf("first `apply`, growth from %d to %d accounts of sagi", small(), *large),
		"≤ 10.5 ×",
		"%.1f × (%s)",
		growth,
		short(took),
	)
	b.add(
		peak <= 120<<20,
		fmt.Sprintf("peak memory of `apply`, %d accounts", *large),
		"≤ 120 MB",
		"%s",
		megabytes(peak),
	)
}

// applyAll does what the first apply has to do, by the providers' own requests
// and the least of Vault's.
func applyAll(t *testing.T, v *servers.VaultServer, upstream, dir string, f fleet) time.Duration {
	t.Helper()
	clients := providersOf(t, upstream, dir, v)
	plain := vaultFloor(v)
	if err := plain.send(t.Context(), "LIST", v.Address+"/v1/secret/metadata/state", nil, true); err != nil {
		t.Fatal(err)
	}
	took, err := plain.each(t.Context(), f.accounts, func(ctx context.Context, i int) error {
		return applyOne(ctx, plain, v.Address+"/v1/secret/", clients[i], recordOf(f, i), f.key(i))
	})
	if err != nil {
		t.Fatal(err)
	}
	return took
}

// providersOf are the configuration's accounts, each with a plain HTTP client.
func providersOf(t *testing.T, upstream, dir string, v *servers.VaultServer) (list []providers.Provider) {
	t.Helper()
	env := map[string]string{"CREDSYNC_VAR_url": upstream, "VAULT_ADDR": v.Address}
	cfg, diags := config.Load(t.Context(), config.Options{
		Path: dir, Getenv: func(name string) string { return env[name] }, Version: "1.0.0", Providers: all.Registry(),
		Sinks: sinksall.Registry(),
	})
	if diags.HasErrors() {
		t.Fatalf("the configuration is wrong: %+v", diags)
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: concurrency}}
	for _, a := range cfg.Accounts {
		p, err := a.Spec.New(
			a.Values,
			providers.Env{Client: client, Now: time.Now, Log: hclog.NewNullLogger(), Version: "1.0.0"},
		)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	return list
}

func applyOne(ctx context.Context, plain *plainClient, kv string, p providers.Provider, record, key string) error {
	write := func(path string, version int, data any) error {
		return plain.send(ctx, "POST", kv+"data/"+path, map[string]any{"options": map[string]any{"cas": version}, "data": data}, false)
	}
	if err := plain.send(ctx, "GET", kv+"metadata/shop/"+key, nil, true); err != nil {
		return err
	}
	// A record of the usual size.
	text := map[string]string{"record": fmt.Sprintf("%01000d", 0)}
	if err := write("state/"+record, 0, text); err != nil {
		return err
	}
	token, err := p.Login(ctx)
	if err != nil {
		return err
	}
	if err := write("state/"+record, 1, text); err != nil {
		return err
	}
	if v, ok := p.(providers.Verifier); ok {
		if _, err := v.Verify(ctx, token); err != nil {
			return err
		}
	}
	mark := map[string]any{"custom_metadata": map[string]string{"managed-by": "credsync", "credsync-owner": "default/" + key}}
	if err := plain.send(ctx, "POST", kv+"metadata/shop/"+key, mark, false); err != nil {
		return err
	}
	if err := write("shop/"+key, 0, map[string]string{"access_token": token.Access.Reveal()}); err != nil {
		return err
	}
	return write("state/"+record, 2, text)
}
