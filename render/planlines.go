package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
)

// listedCurrent is how many accounts with nothing to do are named; of more,
// only their number is told.
const listedCurrent = 10

// planPrinter writes the accounts of one plan for people.
type planPrinter struct {
	Stream
	now time.Time
}

func (p planPrinter) print(d plan.Document) {
	busy, blocked, idle := byWork(d.Accounts)
	explained := explainedAccounts(d)
	if len(busy)+len(blocked) == 0 {
		p.title(d, "nothing to do")
		p.whereabouts(d)
		p.idleAccounts(idle, explained)
		p.printf("%s\n", p.nothingToDo(d))
		return
	}
	p.header(d, len(busy), len(blocked))
	for _, a := range busy {
		p.account(a)
	}
	for _, a := range blocked {
		p.account(a)
	}
	p.idleAccounts(idle, explained)
	p.closing("Plan:", p.style().bold, planCounts(d))
}

// closing prints the line that is looked for. It is wrapped before its title is
// coloured: escape sequences take no columns.
func (p planPrinter) closing(title string, paint func(string) string, counts string) {
	line := wrap(title+" "+counts, 0, p.width())
	p.printf("%s%s\n", paint(title), strings.TrimPrefix(line, title))
}

// byWork orders accounts as they are read: what will be done, then what needs a
// human, where the eye rests at the end; idle are the others.
func byWork(accounts []plan.DocumentAccount) (busy, blocked, idle []*plan.DocumentAccount) {
	for i := range accounts {
		a := &accounts[i]
		switch {
		case a.Action == plan.BlockedAction:
			blocked = append(blocked, a)
		case a.Action != plan.None:
			busy = append(busy, a)
		case a.Blocker != nil:
			blocked = append(blocked, a)
		default:
			idle = append(idle, a)
		}
	}
	return busy, blocked, idle
}

// explainedAccounts are those that an error says all about, which stands above the plan.
func explainedAccounts(d plan.Document) map[string]bool {
	explained := map[string]bool{}
	for _, e := range d.Diagnostics {
		if e.Severity == diag.Error && e.Address != "" {
			explained[e.Address] = true
		}
	}
	return explained
}

// title names the project, and how much there is to do.
func (p planPrinter) title(d plan.Document, work string) {
	line := fmt.Sprintf("Project %s: %s, %s.", clean(d.Project), Plural(len(d.Accounts), "account"), work)
	p.printf("%s\n", p.style().bold(line))
}

func (p planPrinter) header(d plan.Document, busy, blocked int) {
	work := fmt.Sprintf("%d with changes", busy)
	if blocked > 0 {
		work += fmt.Sprintf(", %d blocked", blocked)
	}
	p.title(d, work)
	p.whereabouts(d)
	p.printf("\n%s\n", p.legend(d.Accounts))
}

// whereabouts says where the state is and where the sinks lead: a run with another
// environment than it was meant for is seen here first.
func (p planPrinter) whereabouts(d plan.Document) {
	if d.State != nil {
		line := "State: " + clean(d.State.Sink)
		if d.State.Location != "" {
			line += " " + clean(d.State.Location)
		}
		if d.State.Address != "" && d.State.Address != "." {
			line += " (" + clean(d.State.Address) + ")"
		}
		p.paragraph(0, line)
	}
	// Many sinks mostly lead to few servers.
	var order []string
	names := map[string][]string{}
	for _, s := range d.Sinks {
		if names[s.Address] == nil {
			order = append(order, s.Address)
		}
		names[s.Address] = append(names[s.Address], clean(s.Name))
	}
	for _, address := range order {
		list := names[address]
		if len(list) > listedCurrent {
			list = append(slices.Clone(list[:listedCurrent]), fmt.Sprintf("%d more", len(list)-listedCurrent))
		}
		p.paragraph(0, "Sinks: "+strings.Join(list, ", ")+" ("+clean(address)+")")
	}
}

// legend explains the symbols that this plan uses, those of targets included.
func (p planPrinter) legend(accounts []plan.DocumentAccount) string {
	used := map[plan.Action]bool{}
	for _, a := range accounts {
		used[a.Action] = true
		used[plan.BlockedAction] = used[plan.BlockedAction] || a.Blocker != nil
		for _, t := range a.Targets {
			used[t.Action] = true
		}
	}
	var parts []string
	add := func(words string, actions ...plan.Action) {
		if slices.ContainsFunc(actions, func(a plan.Action) bool { return used[a] }) {
			parts = append(parts, p.style().action(actions[0], symbol(actions[0]))+" "+words)
		}
	}
	add("first token", plan.Issue)
	add("new token", plan.Refresh, plan.Reissue)
	add("deliver", plan.Deliver)
	add("forget or delete", plan.Forget, plan.Delete)
	add("needs a human", plan.BlockedAction)
	return strings.Join(parts, "   ")
}

func (p planPrinter) account(a *plan.DocumentAccount) {
	st := p.style()
	action, words := a.Action, fmt.Sprintf("%s (%s)", a.Action, a.Reason)
	if a.Action == plan.None {
		// Nothing to do except for what a human has to do first.
		action, words = plan.BlockedAction, needsHuman(a.Blocker.Reason)
	}
	p.printf("\n  %s %s  %s\n", st.action(action, symbol(action)), st.bold(clean(a.Address)), st.action(action, words))
	if a.Action != plan.BlockedAction || a.Blocker == nil {
		p.paragraph(6, diag.Sentence(a.Message))
	}
	if a.ExpiresAt != nil {
		word := "expires"
		if !a.ExpiresAt.After(p.now) {
			word = "expired"
		}
		p.printf("      %s  %s\n", word, exactAndRelative(*a.ExpiresAt, p.now))
	}
	if a.RotateAt != nil {
		p.printf("      rotates  %s\n", rotationTime(*a.RotateAt, p.now))
	}
	if a.Action.Contacts() {
		p.secretHosts(a.SecretHosts)
	}
	for _, t := range a.Targets {
		p.target(*a, t)
	}
	if a.Blocker == nil {
		return
	}
	if action != plan.BlockedAction {
		p.printf("      %s %s\n", st.action(plan.BlockedAction, "!"), needsHuman(a.Blocker.Reason))
	}
	p.blocker(*a)
}

// secretHosts says where the account's secrets are about to be sent.
func (p planPrinter) secretHosts(hosts []string) {
	if len(hosts) == 0 {
		return
	}
	list := make([]string, len(hosts))
	for i, host := range hosts {
		list[i] = clean(host)
	}
	p.paragraph(6, "secrets go to "+strings.Join(list, ", "))
}

func needsHuman(r plan.Reason) string { return fmt.Sprintf("needs a human (%s)", r) }

func rotationTime(at, now time.Time) string {
	if at.After(now) {
		return exactAndRelative(at, now)
	}
	return "due since " + exactTime(at)
}

func (p planPrinter) target(a plan.DocumentAccount, t plan.DocumentTarget) {
	what := string(t.Action)
	switch {
	case t.Action == plan.None:
		what = string(t.Reason)
	case t.Reason != a.Reason:
		what += " (" + string(t.Reason) + ")"
	}
	p.printf("      %s %s %s: %s\n", p.style().action(t.Action, symbol(t.Action)), clean(t.Sink), clean(t.Location), what)
	// A blocker that is this target's own is told once, below.
	if t.Message != "" && (a.Blocker == nil || a.Blocker.Message != t.Message) {
		p.paragraph(8, diag.Sentence(t.Message))
	}
}

// blocker tells why a human is needed and what that human is to do.
func (p planPrinter) blocker(a plan.DocumentAccount) {
	p.paragraph(6, diag.Sentence(a.Blocker.Message))
	if a.Blocker.Since != nil {
		p.printf("      since    %s\n", exactAndRelative(*a.Blocker.Since, p.now))
	}
	p.remedy(a.Blocker.Reason, cmp.Or(a.Blocker.Address, a.Address), a.Blocker.CodeSentAt != nil)
}

// paragraph prints a text that may have lines of its own, such as a policy to
// copy.
func (p planPrinter) paragraph(indent int, text string) {
	if text == "" {
		return
	}
	for line := range strings.SplitSeq(text, "\n") {
		p.printf("%s\n", wrap(clean(line), indent, p.width()))
	}
}

// idleAccounts reports the accounts with nothing to do: what is not simply current by
// its reason, and those that are by name where they are few. What an error has explained
// is not said again.
func (p planPrinter) idleAccounts(accounts []*plan.DocumentAccount, explained map[string]bool) {
	var current []*plan.DocumentAccount
	for _, a := range accounts {
		if a.Reason == plan.Current {
			current = append(current, a)
			continue
		}
		if explained[a.Address] {
			p.printf("\n    %s  %s, as shown above\n", p.style().bold(clean(a.Address)), a.Reason)
			continue
		}
		p.printf("\n    %s  %s\n", p.style().bold(clean(a.Address)), a.Reason)
		p.paragraph(6, diag.Sentence(a.Message))
	}
	if len(current) == 0 {
		p.printf("\n")
		return
	}
	verb := "are"
	if len(current) == 1 {
		verb = "is"
	}
	p.printf("\n%s %s current.\n", Plural(len(current), "account"), verb)
	if len(current) <= listedCurrent {
		p.currentList(current)
	}
	p.printf("\n")
}

func (p planPrinter) currentList(current []*plan.DocumentAccount) {
	width := 0
	for _, a := range current {
		width = max(width, columns(clean(a.Address)))
	}
	for _, a := range current {
		line := "    " + padRight(clean(a.Address), width) + "  " + nextRotation(*a, p.now)
		p.printf("%s\n", strings.TrimRight(line, " "))
	}
}

func nextRotation(a plan.DocumentAccount, now time.Time) string {
	switch {
	case a.RotateAt != nil:
		return "rotates " + relativeTime(*a.RotateAt, now)
	case a.IssuedAt != nil && a.ExpiresAt == nil:
		for _, c := range a.Clocks {
			if c.Name == staticToken && c.At != nil {
				return "replace by " + c.At.UTC().Format(time.DateOnly)
			}
		}
		return "does not expire"
	}
	return ""
}

func (p planPrinter) nothingToDo(d plan.Document) string {
	if len(d.Accounts) == 0 {
		return p.style().bold("No changes.") + " The configuration declares no accounts."
	}
	for _, a := range d.Accounts {
		if a.Reason != plan.Current {
			return p.style().bold("No changes.") + " The accounts that could be checked need nothing."
		}
	}
	return p.style().green("No changes.") + " Every token is current and every target holds it."
}

// planCounts is "1 to issue, 2 to refresh, …". What is done every day is always
// named, so that a zero is seen; the rest only where there is any.
func planCounts(d plan.Document) string {
	var parts []string
	for _, a := range plan.Actions {
		n := d.Summary[a]
		switch a {
		case plan.Issue, plan.Refresh, plan.Reissue, plan.Deliver:
			parts = append(parts, fmt.Sprintf("%d to %s", n, a))
		case plan.Forget, plan.Delete:
			if n > 0 {
				parts = append(parts, fmt.Sprintf("%d to %s", n, a))
			}
		}
	}
	line := strings.Join(parts, ", ") + "."
	if _, blocked, _ := byWork(d.Accounts); len(blocked) > 0 {
		line += " " + needHuman(len(blocked))
	}
	return line
}

func needHuman(n int) string {
	if n == 1 {
		return "1 needs a human."
	}
	return fmt.Sprintf("%d need a human.", n)
}
