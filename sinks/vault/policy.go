package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/credsync/credsync/sinks"
	"github.com/hashicorp/vault/api"
)

// kvFlag says which version the mounts have.
const kvFlag = "kv"

// detectKV is the value of kvFlag that asks Vault.
const detectKV = "detect"

// policy describes "credsync policy vault".
func policy() *sinks.Policy {
	return &sinks.Policy{
		Name:  "vault",
		Short: "Print the Vault policy that this configuration needs",
		Long: "Print the minimal Vault policy that this configuration needs:\n\n" +
			"  credsync policy vault | vault policy write credsync -\n\n" +
			"The policy covers the sinks that you name, or all sinks of type vault. They must be in one\n" +
			"Vault and one namespace. The command contacts no server and assumes that mounts are KV\n" +
			"version 2. For version 1 pass --kv 1, or pass --kv detect to log in as the sink block says\n" +
			"and ask Vault.\n\n" +
			"Run it again after you change targets, data blocks or the state block. The new policy does\n" +
			"not cover targets that you removed from the configuration and that are still to be deleted\n" +
			"from Vault (on_remove): keep the old policy until an apply has deleted them.",
		Flags: []sinks.PolicyFlag{{
			Name: kvFlag, Default: "2", OneOf: []string{"1", "2", detectKV},
			Usage: "`VERSION` of the KV mounts: 1, 2, or detect to ask Vault",
		}},
		Print: printPolicy,
	}
}

// vaultNamespace is one namespace of one Vault.
type vaultNamespace struct{ address, namespace string }

func (p vaultNamespace) String() string {
	if p.namespace == "" {
		return p.address
	}
	return p.address + ", namespace " + p.namespace
}

func printPolicy(ctx context.Context, r sinks.PolicyRequest) ([]byte, error) {
	at, err := oneNamespace(r)
	if err != nil {
		return nil, err
	}
	doc := policyDocument{rules: map[string]*rule{}}
	for _, u := range r.Uses {
		e, version, err := kvEngineOf(ctx, u, r)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", u.Sink, err)
		}
		doc.mounts = append(doc.mounts, fmt.Sprintf("%s (mount %s, KV version %s)", u.Sink, mountOf(u.Conn), version))
		if err := doc.cover(e, u); err != nil {
			return nil, fmt.Errorf("%s: %w", u.Sink, err)
		}
	}
	if len(doc.rules) == 0 {
		return nil, errors.New("this configuration delivers nothing to Vault, and keeps and reads nothing there, so it needs no policy")
	}
	return doc.text(at, r.Project), nil
}

// oneNamespace refuses sinks in several Vaults or namespaces: their rules in one
// policy would allow in each what is needed in another.
func oneNamespace(r sinks.PolicyRequest) (vaultNamespace, error) {
	names := map[vaultNamespace][]string{}
	var order []vaultNamespace
	for _, u := range r.Uses {
		c := connection{conn: u.Conn, env: r.Env}
		if err := checkAddress(c.address()); err != nil {
			return vaultNamespace{}, fmt.Errorf("%s: address: %w", u.Sink, err)
		}
		at := vaultNamespace{strings.TrimRight(c.address(), "/"), strings.Trim(c.attr("namespace", api.EnvVaultNamespace), "/")}
		if names[at] == nil {
			order = append(order, at)
		}
		names[at] = append(names[at], u.Sink)
	}
	if len(order) == 1 {
		return order[0], nil
	}
	var lines []string
	for _, at := range order {
		lines = append(lines, fmt.Sprintf("%s is at %s", strings.Join(names[at], " "), at))
	}
	return vaultNamespace{}, fmt.Errorf("the sinks are in several Vaults or namespaces, each of which needs its own policy: name the sinks of one, as in \"credsync policy vault %s\": %s",
		strings.Join(names[order[0]], " "), strings.Join(lines, "; "))
}

// kvEngineOf returns the engine of a sink's mount, for its paths only.
func kvEngineOf(ctx context.Context, u sinks.Use, r sinks.PolicyRequest) (e kvEngine, version string, err error) {
	s := &Sink{mount: mountOf(u.Conn)}
	e, version = kvEngine(kv2{s}), "2"
	switch r.Flags[kvFlag] {
	case "1":
		e, version = kv1{s}, "1"
	case detectKV:
		if e, err = detectedKVEngine(ctx, u, r.Env); err != nil {
			return nil, "", fmt.Errorf("%w\nPass --%s 1 or --%s 2 to print the policy without asking Vault", err, kvFlag, kvFlag)
		}
		if _, old := e.(kv1); old {
			version = "1"
		}
	}
	if version == "1" && u.State != nil {
		return nil, "", errors.New("KV version 1 cannot keep the state, because it has no compare-and-set: point the state block at a sink with a mount of version 2, and print one policy for the sinks of each version")
	}
	return e, version, nil
}

func detectedKVEngine(ctx context.Context, u sinks.Use, env sinks.Env) (kvEngine, error) {
	opened, err := open(u.Conn, env)
	if err != nil {
		return nil, err
	}
	return opened.(*Sink).detectKVEngine(ctx)
}

// policyDocument is a policy that grows.
type policyDocument struct {
	mounts []string
	rules  map[string]*rule
}

// rule is what is allowed at one path.
type rule struct {
	capabilities []string
	reasons      []reason
}

// reason is why some of a rule's capabilities are there, and for whom.
type reason struct {
	capabilities, why string
	by                []string
}

// cover adds what one sink is used for.
func (d *policyDocument) cover(e kvEngine, u sinks.Use) error {
	for _, use := range u.Deliver {
		needs := append(e.needsToDeliver(use.Target), e.needsToCompare(use.Target)...)
		if use.Delete {
			needs = append(needs, e.needsToDelete(use.Target)...)
		}
		if err := d.add(use.Account, use.Target, needs); err != nil {
			return err
		}
	}
	for _, use := range u.Data {
		if err := d.add(use.Address, use.Target, e.needsToRead(use.Target)); err != nil {
			return err
		}
	}
	if u.State != nil {
		needs := e.needsToKeepState(u.State.All, everyRecord(u.State.All))
		if k, ok := e.(kv2); ok {
			needs = append(needs, k.needsToSeeThatStateLasts()...)
		}
		return d.add("the state", u.State.All, needs)
	}
	return nil
}

// everyRecord stands for all records, not only those of the accounts there are:
// what has gone from the configuration is found by them and cleaned up, and a
// new account needs no new policy for its record. The sign "+" is one part of a
// path, so what lies deeper is left out.
func everyRecord(all sinks.Target) sinks.Target {
	all.Path += "/+"
	return all
}

func (d *policyDocument) add(by string, t sinks.Target, needs []capabilityNeed) error {
	if err := checkRulePath(t.Location); err != nil {
		return fmt.Errorf("%s: %w", by, err)
	}
	for _, n := range needs {
		r := d.rules[n.path]
		if r == nil {
			r = &rule{}
			d.rules[n.path] = r
		}
		r.add(by, n)
	}
	return nil
}

func (r *rule) add(by string, n capabilityNeed) {
	for _, c := range n.capabilities {
		if !slices.Contains(r.capabilities, c) {
			r.capabilities = append(r.capabilities, c)
		}
	}
	slices.Sort(r.capabilities)
	capabilities := strings.Join(n.capabilities, ", ")
	i := slices.IndexFunc(
		r.reasons,
		func(have reason) bool { return have.capabilities == capabilities && have.why == n.why },
	)
	if i < 0 {
		i = len(r.reasons)
		r.reasons = append(r.reasons, reason{capabilities: capabilities, why: n.why})
	}
	if !slices.Contains(r.reasons[i].by, by) {
		r.reasons[i].by = append(r.reasons[i].by, by)
	}
}

// checkRulePath refuses a path that means more than itself in a policy, where
// there is no way to escape it.
func checkRulePath(path string) error {
	sign := ""
	switch {
	case strings.HasSuffix(path, "*"):
		sign = "* at its end"
	case slices.Contains(strings.Split(path, "/"), "+"):
		sign = "+ as one of its parts"
	case strings.Contains(path, "{{"):
		sign = "{{"
	case strings.Contains(path, "${"):
		sign = "${"
	default:
		return nil
	}
	return fmt.Errorf("a policy cannot grant the path %q alone, because %s is a pattern there; choose another path", path, sign)
}

// text is the whole policy, with the rules by path.
func (d *policyDocument) text(at vaultNamespace, project string) []byte {
	var b bytes.Buffer
	comment := func(format string, args ...any) { b.WriteString("# " + printable(fmt.Sprintf(format, args...)) + "\n") }
	comment("The minimal policy for credsync in Vault at %s", at)
	comment("for the configuration of project %q: %s.", project, strings.Join(d.mounts, ", "))
	comment("Printed by credsync policy vault. Print it again after you change targets, data blocks or")
	comment("the state block; keep the old policy until an apply has deleted the targets that you")
	comment("removed. Not included is what Vault's default policy allows:")
	comment("sys/capabilities-self, auth/token/lookup-self and auth/token/renew-self.")
	for _, path := range slices.Sorted(maps.Keys(d.rules)) {
		r := d.rules[path]
		b.WriteByte('\n')
		for _, why := range r.reasons {
			comment("%s: %s (%s)", strings.Join(why.by, ", "), why.why, why.capabilities)
		}
		fmt.Fprintf(&b, "path %q {\n  capabilities = [\"%s\"]\n}\n", path, strings.Join(r.capabilities, `", "`))
	}
	return b.Bytes()
}

// printable keeps a comment on its line.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}
