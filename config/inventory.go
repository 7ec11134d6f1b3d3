package config

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/credsync/credsync/schema/diag"
	"github.com/hashicorp/hcl/v2"
)

// Inventory is what can be known of a configuration that may have mistakes, and
// without its secrets: enough to look into the state, and to complete addresses.
type Inventory struct {
	// Dir is the directory that relative paths start at.
	Dir string
	// Project is the owner's name; "default" if not set.
	Project string
	// Formerly and Moved are those of Config.
	Formerly []string
	Moved    []*Moved
	Sinks    []*Sink
	// State is nil where LoadInventory has returned errors.
	State *State
	// Audit says where the audit trail is kept; nil for none. AuditUnknown says
	// why the place of the trail is not known although there is an audit block; nil
	// otherwise.
	Audit        *Audit
	AuditUnknown *diag.Diagnostic
	// Notify are the names of the notify blocks, in order.
	Notify []string
	// Addresses are those of the accounts that are known, in order.
	Addresses []string
	// UnexpandedBlocks are the addresses of account blocks whose instances are not known:
	// `account.sagi.shop`, in order.
	UnexpandedBlocks []string
	// Partial says that there may be accounts in files that were not read: one
	// file of several was given, or one cannot be parsed.
	Partial bool
}

// DeclarationStatus says whether a configuration has an account.
type DeclarationStatus int

// What a configuration may say of an account.
const (
	// Undeclared accounts are in no file.
	Undeclared DeclarationStatus = iota
	// Declared accounts are.
	Declared
	// PossiblyDeclared ones may be: see Inventory.UnexpandedBlocks and Inventory.Partial.
	PossiblyDeclared
)

// DeclarationStatus says whether the configuration has the account.
func (o *Inventory) DeclarationStatus(address string) DeclarationStatus {
	block, _, _ := strings.Cut(address, "[")
	switch {
	case slices.Contains(o.Addresses, address):
		return Declared
	case o.Partial, slices.Contains(o.UnexpandedBlocks, block):
		return PossiblyDeclared
	}
	return Undeclared
}

// LoadInventory reads as much of a configuration as it can. It contacts nothing,
// and what depends on a variable without a value is unknown.
//
// The errors in the list are those for which the state cannot be found; other
// mistakes are not reported, since that is for Load to do. The inventory is nil
// only where there is no configuration at all.
func LoadInventory(ctx context.Context, o Options) (*Inventory, diag.List) {
	o.ReadData, o.AllowUnset, o.WithoutSecrets = nil, true, true
	l := newLoader(ctx, o)
	files, _, broken := l.parseFiles()
	if l.report.hasErrors() {
		return nil, l.report.list()
	}
	blocks := l.sortBlocks(files)
	accounts := slices.Clone(blocks["account"]) // evaluating takes them out
	c := l.evaluateAll(blocks)
	blocks["account"] = accounts
	c.Partial = c.Partial || len(broken) > 0
	out := l.inventory(blocks, c)
	if len(broken) > 0 && (len(blocks["state"]) == 0 || len(blocks["credsync"]) == 0) {
		// Either may be in the file that cannot be read, and the state of
		// another place or project is none of ours.
		out.State = nil
		return out, broken
	}
	if l.projectUnknown || c.State == nil || !c.State.Values.AllKnown() || !c.State.Sink.Values.AllKnown() {
		out.State = nil
		return out, l.whyNoState(blocks, append(broken, l.report.list()...))
	}
	return out, nil
}

// inventory gathers what was found, and the addresses also of accounts that have
// mistakes.
func (l *loader) inventory(blocks map[string][]*hcl.Block, c *Config) *Inventory {
	out := &Inventory{
		Dir: c.Dir, Project: c.Project, Formerly: c.Formerly, Moved: c.Moved, Sinks: c.Sinks, State: c.State,
		Audit: c.Audit, Partial: c.Partial,
	}
	if b := blocks["audit"]; len(b) > 0 && c.Audit == nil {
		d := diag.Errorf("The path of the audit trail is unknown", "Changes are recorded there first, so nothing was done. The audit block has an error, which credsync validate shows, or depends on a variable without a value. Set the variable with --var, --var-file or CREDSYNC_VAR_<name>.")
		d.Range = convertRange(b[0].DefRange)
		out.AuditUnknown = &d
	}
	for _, b := range blocks["notify"] {
		out.Notify = append(out.Notify, b.Labels[0]+"."+b.Labels[1])
	}
	slices.Sort(out.Notify)
	for _, b := range blocks["account"] {
		address := "account." + b.Labels[0] + "." + b.Labels[1]
		content, _, _ := b.Body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "for_each"}}})
		instances, ok := l.instances(content.Attributes["for_each"], scope{ctx: l.fullContext, address: address})
		if !ok {
			out.UnexpandedBlocks = append(out.UnexpandedBlocks, address)
		}
		for _, i := range instances {
			if i.placeholder {
				out.UnexpandedBlocks = append(out.UnexpandedBlocks, address)
			} else {
				out.Addresses = append(out.Addresses, i.scope.address)
			}
		}
	}
	slices.Sort(out.Addresses)
	out.Addresses = slices.Compact(out.Addresses)
	slices.Sort(out.UnexpandedBlocks)
	return out
}

// whyNoState leaves of the errors found those that can be the reason why the
// state's place is not known.
func (l *loader) whyNoState(blocks map[string][]*hcl.Block, found diag.List) diag.List {
	var errors diag.List
	for _, d := range found {
		if d.Severity == diag.Error && !strings.HasPrefix(d.Address, "account.") &&
			!strings.HasPrefix(d.Address, "data.") &&
			d.Address != "moved" &&
			d.Address != "import" {
			errors = append(errors, d)
		}
	}
	if len(errors) > 0 {
		return errors
	}
	where, why := "", "an unknown value"
	if missing := l.missingVariables(blocks); len(missing) > 0 {
		why = "a variable without a value: " + strings.Join(missing, ", ")
	}
	if s := blocks["state"]; len(s) > 0 {
		where = " at " + place(s[0].DefRange)
	}
	return diag.List{diag.Errorf("The location of the state is unknown",
		"The state block%s, its sink or the project depends on %s. Set it with --var, --var-file or CREDSYNC_VAR_<name>.", where, why)}
}

// missingVariables are the variables without a value that the state, its sink and the
// settings use, however far.
func (l *loader) missingVariables(blocks map[string][]*hcl.Block) []string {
	used := map[string]bool{}
	var follow func(names []string)
	follow = func(names []string) {
		for _, name := range names {
			if !used[name] {
				used[name] = true
				follow(l.report.uses[name])
			}
		}
	}
	for _, kind := range []string{"state", "credsync", "sink"} {
		for _, b := range blocks[kind] {
			if kind == "sink" && len(blocks["state"]) > 0 && !slices.Equal(b.Labels, blocks["state"][0].Labels) {
				continue
			}
			follow(namesUsedInBody(b.Body))
		}
	}
	var missing []string
	for _, name := range slices.Sorted(maps.Keys(l.vars)) {
		if used["var."+name] && !l.vars[name].value.IsWhollyKnown() {
			missing = append(missing, fmt.Sprintf("%q", name))
		}
	}
	return missing
}
