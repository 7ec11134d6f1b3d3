package crash

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/credsync/credsync/sandbox"
)

// provider is one upstream with an account of it.
type provider struct {
	// kind is the account's type; the upstream's name if "".
	kind    string
	account sandbox.Account
	// attributes of the account block; $URL and $SECRET are replaced.
	attributes string
	secret     string
	// wrong is a secret that the upstream rejects.
	wrong string
	// static tokens are in the configuration; they are verified, not issued.
	static bool
	// refreshes says that there is a refresh, and spends that it works once.
	refreshes, spends bool
	// due is after which a token is due.
	due time.Duration
	// codes says that a login can ask for a code.
	codes bool
	// verifies says that there is a read-only request.
	verifies bool
	// description stands beside the accounts, and revoking in its place if replaced tokens
	// are revoked.
	description, revoking string
	// reuse is what becomes of refresh material that is used again.
	reuse reuse
	// chained says that what is configured is the first token of a chain, so that no login
	// brings another one once it was replaced, and that the upstream counts no login.
	chained bool
}

// address is the account's that is called so.
func (p provider) address(name string) string { return cmp.Or(p.kind, p.account.Upstream) + "." + name }

func demo(upstream, name string) sandbox.Account {
	for _, a := range sandbox.DemoAccounts() {
		if a.Upstream == upstream && a.Name == name {
			return a
		}
	}
	panic("no such account: " + name)
}

func providers() []provider { return slices.Concat(builtInProviders(), describedProviders()) }

func builtInProviders() []provider {
	return []provider{
		{
			account: demo("invoicebox", "demo"), static: true, secret: "b37c4c689295904ed21eee5d9a48d42e", wrong: "b37c4c689295904ed21eee5d9a48d42f",
			attributes: "base_url = \"$URL\"\n  token = \"$SECRET\"",
		},
		{
			account: demo("sagi", "business_user@example.com"), secret: "secure_password", wrong: "wrong",
			attributes: "base_url = \"$URL\"\n  phone = \"business_user@example.com\"\n  password = \"$SECRET\"",
			refreshes:  true, due: 29 * 24 * time.Hour, verifies: true,
		},
		{
			account: demo("bereke", "test"), secret: "bank_password", wrong: "wrong",
			attributes: "base_url = \"$URL\"\n  username = \"test\"\n  password = \"$SECRET\"\n  public_key_url = \"$URL/auth/public-key\"\n  customer_id = \"111111\"",
			due:        12 * time.Minute,
		},
		{
			account: demo("bifit_kassa", "79001234567"), secret: "secure_password", wrong: "wrong",
			attributes: "base_url = \"$URL\"\n  username = \"79001234567\"\n  password = \"$SECRET\"",
			refreshes:  true, spends: true, due: 11 * time.Hour, codes: true,
		},
		{
			account: demo("astana_plat", "login"), secret: "password", wrong: "wrong",
			attributes: "base_url = \"$URL\"\n  login = \"login\"\n  password = \"$SECRET\"",
			due:        58 * time.Minute,
		},
	}
}

// action is one kind of work that is killed.
type action struct {
	name string
	// of says which providers have it; nil for all.
	of func(provider) bool
	// account changes the account at the upstream.
	account func(*sandbox.Account)
	// prepare brings the world to where the work begins.
	prepare func(*world)
	// args are the command; an apply where there are none. again says that one that was
	// killed is run again before the apply.
	args  func(*world) []string
	again bool
	// ends is how the apply afterwards ends; whole says that a token must then
	// be at every target, gone that nothing must be there.
	ends        int
	whole, gone bool
	// code says that a human's code is entered: once its token is known, nobody
	// is needed any more, and the apply ends with 0.
	code bool
	// deletes sets on_remove = "delete".
	deletes bool
	// outage of the state in the middle of it; inFiles says that the state has
	// to be in files for that.
	outage  outage
	inFiles bool
	// watched adds an audit trail and a notify block; told is what the block is
	// told of from the beginning to the end.
	watched bool
	told    []string
	// anyUpstream says that it makes little difference which upstream it is.
	anyUpstream bool
	// loses says that an answer of the upstream is lost without a kill, and revokes that
	// replaced tokens are revoked.
	loses, revokes bool
	// soak leaves it to the soak tests, since another is much like it.
	soak bool
}

var apply = []string{"apply", "--auto-approve"}

func applied(w *world) { w.must(0, apply...) }

func actions() []action {
	return slices.Concat(ordinary(), emergencies(), watched(), spending(), revoking())
}

func ordinary() []action {
	issues := func(p provider) bool { return !p.static }
	return []action{
		{name: "issue", whole: true},
		{name: "refresh", whole: true, of: func(p provider) bool { return p.refreshes }, prepare: due},
		{name: "reissue", whole: true, of: func(p provider) bool { return !p.refreshes && !p.static }, prepare: due},
		{
			name:    "refresh that is refused",
			whole:   true,
			of:      func(p provider) bool { return p.refreshes && !p.chained },
			prepare: revoked,
		},
		{
			name:    "replace",
			whole:   true,
			of:      func(p provider) bool { return !p.static },
			prepare: applied,
			args:    replaced,
		},
		{name: "deliver", whole: true, prepare: func(w *world) {
			applied(w)
			w.at.drift(w)
		}},
		{name: "forget", prepare: func(w *world) { applied(w); w.noAccount = true }},
		{name: "delete", gone: true, deletes: true, prepare: func(w *world) { applied(w); w.noAccount = true }},
		{name: "blocked", ends: 3, prepare: func(w *world) { w.secret = w.p.wrong }},
		{name: "authenticate", whole: true, args: func(*world) []string { return []string{"plan", "--authenticate"} }},
		{name: "move", whole: true, prepare: func(w *world) { applied(w); w.move() }},
		{
			name:    "move what is due",
			whole:   true,
			of:      func(p provider) bool { return !p.static },
			prepare: func(w *world) { due(w); w.move() },
		},
		{name: "exchange", whole: true, anyUpstream: true, of: issues, prepare: exchanged, args: func(*world) []string {
			return append([]string{"--concurrency", "1"}, apply...)
		}},
		{name: "migrate", whole: true, anyUpstream: true, again: true, prepare: elsewhere, args: func(*world) []string {
			return []string{"state", "migrate", "--from", before, "--auto-approve"}
		}},
		{name: "take over", whole: true, prepare: func(w *world) { applied(w); w.name = "b" }},
		{name: "import", whole: true, deletes: true, of: func(p provider) bool { return !p.static }, prepare: imported},
		{
			name:    "send a code",
			ends:    3,
			of:      func(p provider) bool { return p.codes },
			account: secondFactor,
			args: func(w *world) []string {
				return []string{"login", w.p.address("a"), "--send-only"}
			},
		},
		{
			name:    "log in with a code",
			ends:    3,
			code:    true,
			of:      func(p provider) bool { return p.codes },
			account: secondFactor,
			prepare: func(w *world) {
				w.must(0, "login", w.p.address("a"), "--send-only")
			},
			args: func(w *world) []string {
				return []string{
					"login",
					w.p.address("a"),
					"--code",
					w.box.LastCode(w.p.account.Upstream, w.p.account.Name),
				}
			},
		},
	}
}

func replaced(w *world) []string {
	return append([]string{"--replace", w.p.address("a")}, apply...)
}

func secondFactor(a *sandbox.Account) {
	b := *a.BifitKassa
	b.SecondFactor = true
	a.BifitKassa = &b
}

// move gives the account another name, and says so.
func (w *world) move() {
	w.name = "b"
	w.more = movedBlock(w.p.address("a"), w.p.address("b"))
}

// exchanged gives the account the name of a second one, and that one its name.
func exchanged(w *world) {
	w.second = "b"
	applied(w)
	w.move()
	w.second = firstName
	w.more += movedBlock(w.p.address("b"), w.p.address("a"))
}

func movedBlock(from, to string) string {
	return fmt.Sprintf("moved {\n  from = account.%s\n  to   = account.%s\n}\n", from, to)
}

// before is the directory that the state is migrated from.
const before = "before"

// elsewhere has the records of two accounts where the state was before.
func elsewhere(w *world) {
	if !w.p.static {
		w.second = "b"
	}
	w.stateBefore = before
	applied(w)
	w.stateBefore = ""
}

// imported leaves of the account but its token, which an import block then has.
func imported(w *world) {
	applied(w)
	token := w.record().Current.Token
	w.noAccount = true
	w.must(0, apply...)
	w.noAccount = false
	w.more = fmt.Sprintf("import {\n  to           = account.%s\n  access_token = %q\n", w.p.address("a"), token.Access.Reveal())
	if !token.Refresh.IsZero() {
		w.more += fmt.Sprintf("  refresh_token = %q\n", token.Refresh.Reveal())
	}
	if !token.ExpiresAt.IsZero() {
		w.more += fmt.Sprintf("  expires_at = %q\n", token.ExpiresAt.Format(time.RFC3339))
	}
	if outputs, err := json.Marshal(token.Outputs); err == nil && len(token.Outputs) > 0 {
		w.more += fmt.Sprintf("  outputs = jsondecode(%q)\n", outputs)
	}
	w.more += "}\n"
}

func due(w *world) {
	applied(w)
	w.advance(w.p.due)
}

// revoked is due, and the upstream knows the token no longer.
func revoked(w *world) {
	due(w)
	w.box.Revoke(w.p.account.Upstream, w.p.account.Name)
}
