package engine

import (
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

// Changes are the addresses of accounts that differ between two configurations,
// each list in order.
type Changes struct {
	Added, Changed, Removed []string
}

// Empty reports whether nothing differs.
func (c Changes) Empty() bool { return len(c.Added)+len(c.Changed)+len(c.Removed) == 0 }

// ChangesBetween compares the accounts of two configurations: their attributes,
// secret ones too, their targets, and what is delivered there.
func ChangesBetween(before, after *config.Config) Changes {
	// Nothing of this is viewOnly, so the key need not be either.
	key := []byte(rand.Text())
	old := make(map[string]string, len(before.Accounts))
	for _, a := range before.Accounts {
		old[a.Address] = wholePrint(key, a)
	}
	var c Changes
	for _, a := range after.Accounts {
		was, known := old[a.Address]
		delete(old, a.Address)
		switch {
		case !known:
			c.Added = append(c.Added, a.Address)
		case was != wholePrint(key, a):
			c.Changed = append(c.Changed, a.Address)
		}
	}
	for address := range old {
		c.Removed = append(c.Removed, address)
	}
	slices.Sort(c.Added)
	slices.Sort(c.Changed)
	slices.Sort(c.Removed)
	return c
}

// wholePrint covers everything that the configuration says of an account.
func wholePrint(key []byte, a *config.Account) string {
	p := newFingerprinter(key, schema.NoEffect)
	p.mac.Write(a.Spec.Name)
	p.mac.Write(a.Spec.DescriptionDigest)
	p.mac.Write(fmt.Sprint(a.Enabled, a.RotateBefore, a.VerifyEvery, a.DeleteOnRemove))
	writeValues(a.HTTP, []*fingerprinter{p})
	writeValues(a.Values, []*fingerprinter{p})
	for _, d := range a.Deliveries {
		writeDelivery(p, key, a.Spec, d)
	}
	return p.sum()
}

func writeDelivery(p *fingerprinter, key []byte, spec *providers.Spec, d *config.Delivery) {
	p.mac.Write(d.Sink.Name)
	writeValues(d.Sink.Values, []*fingerprinter{p})
	p.mac.Write(d.Target.Location)
	p.mac.Write(fmt.Sprint(d.Adopt, d.Target.Merge))
	p.mac.Write(fmt.Sprint(d.Target.Restarts))
	writeValues(d.Target.Options, []*fingerprinter{p})
	// What data makes of a token is known by what it makes of a made-up one.
	data, _ := d.Render(exampleToken(spec))
	p.mac.Write(digest(key, data))
}

// exampleToken has a different text in each output.
func exampleToken(spec *providers.Spec) credential.Token {
	t := credential.Token{
		Access: credential.NewSecret("access_token"), Refresh: credential.NewSecret("refresh_token"),
		ExpiresAt: time.Unix(0, 0), Outputs: credential.Outputs{},
	}
	for _, o := range spec.Outputs {
		if o.Type == cty.String {
			t.Outputs[o.Name] = o.Name
		}
	}
	return t
}
