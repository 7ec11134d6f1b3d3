package config

import (
	"fmt"
	"net/textproto"
	"slices"
	"strings"

	"github.com/credsync/credsync/internal/httpsettings"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/diag"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// accountBlock is an account block whose body was split.
type accountBlock struct {
	section
	name    string
	spec    *providers.Spec
	table   *schema.Block
	content *hcl.BodyContent
	// at is the section's def, and ranges are those of its blocks, shared by
	// all that is kept of them.
	at     *diag.Range
	ranges []*diag.Range
	// inline is the description that stands in the block; nil where there is none.
	inline *inlineAccount
	// usesAccount says that deliver blocks may refer to account.
	usesAccount bool
}

var deliverBlocks = []hcl.BlockHeaderSchema{
	{Type: "deliver", LabelNames: []string{"type", "sink"}},
	{Type: "dynamic", LabelNames: []string{"type"}},
}

// declareAccounts evaluates the account blocks, in order of address. It takes
// each out of the list, since what was parsed is most of what loading keeps in
// memory, and hardly any of it is needed by then.
func (l *loader) declareAccounts(blocks []*hcl.Block) []*Account {
	var accounts []*Account
	first := map[string]hcl.Range{}
	for i, b := range blocks {
		blocks[i] = nil
		address := "account." + b.Labels[0] + "." + b.Labels[1]
		if !l.checkName(b.Labels[1], "an account", b) {
			continue
		}
		if at, twice := first[address]; twice {
			l.report.error(b.DefRange, address, "Duplicate account", fmt.Sprintf("%s was already declared at %s. Addresses must be unique.", address, place(at)))
			continue
		}
		first[address] = b.DefRange
		if l.keepDeclared {
			l.declared[address] = &declaredAccount{at: b.DefRange}
		}
		accounts = append(accounts, l.declareAccount(b, address)...)
	}
	slices.SortFunc(accounts, func(a, b *Account) int { return strings.Compare(a.Address, b.Address) })
	return accounts
}

func (l *loader) declareAccount(b *hcl.Block, address string) []*Account {
	spec, ok := l.provider(b.Labels[0])
	if !ok && l.brokenUpstreams[b.Labels[0]] {
		// What is wrong with it was reported.
		return nil
	}
	if !ok {
		known := l.providerNames()
		l.report.error(
			b.LabelRanges[0],
			address,
			"Unknown provider",
			fmt.Sprintf(
				"There is no provider %q.%s The providers are %s.",
				b.Labels[0],
				didYouMean(b.Labels[0], known),
				quoteAll(known),
			),
		)
		return nil
	}
	block := &accountBlock{
		section: sectionOf(b),
		name:    b.Labels[1], spec: spec, table: l.providerTable(spec),
	}
	sc := scope{ctx: l.fullContext, address: address, provider: spec.Name}
	tables := []*schema.Block{l.tables.account, block.table}
	block.content, ok = l.splitByTables(block.section, sc, tables, deliverBlocks...)
	block.at = convertRange(b.DefRange)
	for _, inner := range block.content.Blocks {
		block.ranges = append(block.ranges, convertRange(inner.DefRange))
	}
	block.usesAccount = usesAccount(block.content)
	if l.isInline(spec) {
		if block.inline = l.declareInline(b, block.content, spec, sc); block.inline.spec != nil {
			block.spec, block.table = block.inline.spec, l.providerTable(block.inline.spec)
			if d := l.declared[address]; d != nil {
				d.spec = block.spec
			}
		}
	}
	instances, good := l.instances(block.content.Attributes["for_each"], sc)
	l.declared[address].expand(block.content.Attributes["for_each"] != nil, instances, good)
	var accounts []*Account
	for _, i := range instances {
		if block.inline != nil && block.inline.spec == nil {
			// What is wrong with its description was reported; so is what each is given.
			_, _ = l.decode(block.content, block.inline.given, block.section, i.scope)
			continue
		}
		if a := l.account(block, i); a != nil && ok && good && !i.placeholder {
			accounts = append(accounts, a)
		}
	}
	return accounts
}

// providerTable keeps one table for each provider. A row that every account
// has already is a bug of the provider and panics.
func (l *loader) providerTable(spec *providers.Spec) *schema.Block {
	if l.providerTables[spec] == nil {
		for _, row := range spec.Attributes {
			if _, taken := l.tables.account.Attribute(row.Name); taken {
				panic(fmt.Sprintf("config: provider %q has an attribute %q, which every account has", spec.Name, row.Name))
			}
		}
		l.providerTables[spec] = spec.Block()
	}
	return l.providerTables[spec]
}

// account evaluates one instance; nil if that fails.
func (l *loader) account(b *accountBlock, i instance) *Account {
	common, ok := l.decode(b.content, l.tables.account, b.section, i.scope)
	own, good := l.ownValues(b, i.scope)
	a := &Account{
		Address: i.scope.address, Name: b.name, Spec: b.spec, Values: own, HTTP: l.defaultHTTP, Range: b.at,
	}
	if blocks := common.Nested("http"); len(blocks) > 0 {
		a.HTTP = blocks[0]
	}
	good = ok && good
	if good {
		a.Enabled = common.Bool("enabled") || !common.Known("enabled")
		a.Description, a.Contact = common.String("description"), common.String("contact")
		a.VerifyEvery = common.Duration("verify_every")
		a.DeleteOnRemove = common.String("on_remove") == "delete"
		a.RotateBefore = l.rotateBefore(common, b.spec)
		good = l.checkBaseURL(a, b) && l.checkOwnHeaders(a, b)
	}
	deliveries, ok := l.deliveries(b, a, i.scope)
	a.Deliveries = deliveries
	if !good || !ok {
		return nil
	}
	return a
}

// ownValues are those of the provider's own rows.
func (l *loader) ownValues(b *accountBlock, sc scope) (schema.Values, bool) {
	if b.inline != nil {
		return l.inlineValues(b, sc)
	}
	return l.decode(b.content, b.table, b.section, sc)
}

func (l *loader) rotateBefore(common schema.Values, spec *providers.Spec) schema.Window {
	text := common.String("rotate_before")
	if text == "" {
		text = spec.RotateBefore
	}
	if text == "" {
		return schema.Window{}
	}
	if w, known := l.windows[text]; known {
		return w
	}
	w, err := schema.ParseWindow(text)
	if err != nil {
		panic(fmt.Sprintf("config: provider %q has a wrong RotateBefore: %v", spec.Name, err))
	}
	l.windows[text] = w
	return w
}

// checkOwnHeaders refuses headers that the provider sets itself: one of the two would
// be left out without a word.
func (l *loader) checkOwnHeaders(a *Account, b *accountBlock) bool {
	if len(b.spec.OwnHeaders) == 0 || !a.HTTP.Known("headers") {
		return true
	}
	for name := range a.HTTP.Secrets("headers") {
		if own := textproto.CanonicalMIMEHeaderKey(name); slices.Contains(b.spec.OwnHeaders, own) {
			l.report.error(b.def, a.Address, "Header reserved by the provider", fmt.Sprintf("The provider %q sends its own header %s, so the argument \"headers\" of the http block must not set it. Remove it from \"headers\".", b.spec.Name, own))
			return false
		}
	}
	return true
}

// checkBaseURL refuses addresses that secrets must not be sent to.
func (l *loader) checkBaseURL(a *Account, b *accountBlock) bool {
	row, ok := b.table.Attribute("base_url")
	if !ok || row.Type != cty.String || row.Sensitive || !a.Values.Known("base_url") || !a.Values.IsSet("base_url") {
		return true
	}
	plain := a.HTTP.Bool("allow_plain_http") || !a.HTTP.Known("allow_plain_http")
	wrong := wrongBaseURL(a.Values.String("base_url"), plain)
	if wrong == "" {
		return true
	}
	at, used := b.def, []string(nil)
	if attr := b.content.Attributes["base_url"]; attr != nil {
		at, used = attr.Expr.Range(), namesUsedIn(attr.Expr)
		if strings.ContainsAny(a.Values.String("base_url"), "@?#") {
			// A password or a key may stand there.
			l.report.conceal(at)
		}
	}
	f := finding{subject: &at, uses: used, detailWithoutValues: wrong}
	f.Severity, f.Summary, f.Detail, f.Address = "error", "Invalid base_url", wrong, a.Address
	l.report.addFinding(f)
	return false
}

// wrongBaseURL returns what is wrong, or "". The URL is not quoted: one with
// user info holds a password.
func wrongBaseURL(raw string, plainAllowed bool) string {
	u, fault := httpsettings.ParseBaseURL(raw)
	switch fault {
	case httpsettings.NotAbsolute, httpsettings.OtherScheme:
		return "base_url must be an absolute URL that begins with https://, such as \"https://api.example.com/v1\"."
	case httpsettings.UserInfo:
		return "base_url must not contain a user or a password. Use the account's own arguments for them."
	case httpsettings.Fragment, httpsettings.Query:
		return "base_url must not contain a query or a fragment. Remove everything from \"?\" or \"#\" on."
	}
	if !plainAllowed && httpsettings.Plain(u) {
		return "base_url must begin with https://, because credentials are sent to it. If you trust the network, set allow_plain_http = true in the account's http block."
	}
	return ""
}
