package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/state/admin"
)

// RecordsDocument is what state list --json prints.
type RecordsDocument struct {
	FormatVersion string                 `json:"format_version"`
	Project       string                 `json:"project"`
	Records       []admin.RecordDocument `json:"records"`
	Diagnostics   diag.List              `json:"diagnostics"`
}

// Records prints the list of what the state has.
func (o *Output) Records(d RecordsDocument, asJSON bool) {
	if asJSON {
		d.FormatVersion, d.Diagnostics = plan.FormatVersion, notNil(d.Diagnostics)
		if d.Records == nil {
			d.Records = []admin.RecordDocument{}
		}
		o.indentedJSON(d)
		return
	}
	o.Diagnostics(d.Diagnostics)
	p := recordPrinter{planPrinter{Stream: o.Out, now: o.Now()}}
	p.list(d)
}

// Record prints one record.
func (o *Output) Record(d admin.RecordDocument, asJSON bool) {
	if asJSON {
		o.indentedJSON(struct {
			FormatVersion string `json:"format_version"`
			admin.RecordDocument
		}{plan.FormatVersion, d})
		return
	}
	p := recordPrinter{planPrinter{Stream: o.Out, now: o.Now()}}
	p.record(d)
}

// Forgetting says what is lost with a record.
func (o *Output) Forgetting(d admin.RecordDocument) {
	p := recordPrinter{planPrinter{Stream: o.Out, now: o.Now()}}
	p.forgetting(d)
}

// ForgettingDamaged says what is lost with a record that cannot be understood.
func (o *Output) ForgettingDamaged(address string, damage error) {
	p := planPrinter{Stream: o.Out, now: o.Now()}
	p.printf("%s\n", p.style().bold(clean(address)+" will be forgotten."))
	p.paragraph(2, diag.Sentence(damage.Error()))
	p.paragraph(2, "If its sink keeps older versions, one of them may be intact: restore it instead, and no token is lost.")
	p.paragraph(2, "Otherwise the next apply logs in again. Targets stay as they are; those of sinks without owner marks need adopt = true once.")
}

// Unlocking says whose lease is ended, and what that means.
func (o *Output) Unlocking(address string, l admin.LeaseDocument) {
	p := planPrinter{Stream: o.Out, now: o.Now()}
	p.printf("%s\n", p.style().bold(fmt.Sprintf("%s will be unlocked.", clean(address))))
	p.printf("\n")
	p.field("held by", clean(l.Holder))
	p.field("last seen", exactAndRelative(*l.RenewedAt, p.now))
	if !l.Held {
		p.printf("\n")
		p.paragraph(2, "That run is over or has lost its lease. There is no need to unlock: the next apply takes the lease over by itself.")
		return
	}
	p.field("ends by itself", exactAndRelative(*l.ExpiresAt, p.now))
	p.printf("\n")
	p.paragraph(2, "If that run is still alive, another run can then log in at the same time. If a login ends the previous token, or a refresh token works only once, one of the two runs loses its token. "+
		"Make sure that the run is over.")
}

type recordPrinter struct{ planPrinter }

// fieldWidth is that of the names before the values.
const fieldWidth = 14

func (p planPrinter) field(name, value string) {
	if value == "" {
		return
	}
	text := wrap(value, fieldWidth+6, p.width())
	p.printf("    %s  %s\n", padRight(name, fieldWidth), strings.TrimLeft(text, " "))
}

func (p recordPrinter) list(d RecordsDocument) {
	if len(d.Records) == 0 {
		if !d.Diagnostics.HasErrors() {
			p.printf("The state has no records of project %s.\n", clean(d.Project))
		}
		return
	}
	rows := [][]string{{"ACCOUNT", "TOKEN", "TARGETS", "NOTES"}}
	removed, locked := 0, 0
	for _, r := range d.Records {
		rows = append(
			rows,
			[]string{
				strings.TrimPrefix(clean(r.Address), "account."),
				tokenCell(r, p.planPrinter),
				fmt.Sprint(len(r.Targets)),
				strings.Join(notes(r), ", "),
			},
		)
		if r.Declared != nil && !*r.Declared {
			removed++
		}
		if r.Lease != nil && r.Lease.Held {
			locked++
		}
	}
	p.columns(rows)
	line := fmt.Sprintf("Project %s: %s", clean(d.Project), Plural(len(d.Records), "record"))
	if removed > 0 {
		line += fmt.Sprintf(", %d of them for removed accounts, which the next apply cleans up", removed)
	}
	if locked > 0 {
		line += fmt.Sprintf(", %d locked by a running process", locked)
	}
	p.printf("\n%s\n", wrap(line+".", 0, p.width()))
}

// leastLast is what the last column of a table has at the least, if it needs it.
const leastLast = 24

// columns prints a table, its first row in bold. A first cell that is too long
// has a line of its own, and a last one goes on below itself.
func (p recordPrinter) columns(rows [][]string) {
	last := len(rows[0]) - 1
	widths := make([]int, last+1)
	for _, r := range rows {
		for i, c := range r {
			widths[i] = max(widths[i], columns(c))
		}
	}
	rest := 2 + min(widths[last], leastLast)
	for _, w := range widths[1:last] {
		rest += w + 2
	}
	first := max(min(widths[0], p.width()-rest), columns(rows[0][0]))
	for i, r := range rows {
		head := r[0]
		if columns(head) > first {
			p.printf("%s\n", head)
			head = ""
		}
		line := padRight(head, first)
		for j, c := range r[1:last] {
			line += "  " + padRight(c, widths[j+1])
		}
		line += "  "
		line += strings.TrimLeft(wrap(r[last], columns(line), p.width()), " ")
		line = strings.TrimRight(line, " ")
		if i == 0 {
			line = p.style().bold(line)
		}
		p.printf("%s\n", line)
	}
}

func tokenCell(r admin.RecordDocument, p planPrinter) string {
	g := r.Current
	if g == nil {
		g = r.Pending
	}
	switch {
	case g == nil:
		return "none"
	case g.ExpiresAt == nil:
		return "does not expire"
	case g.ExpiresAt.After(p.now):
		return "expires " + relativeTime(*g.ExpiresAt, p.now)
	}
	return "expired " + relativeTime(*g.ExpiresAt, p.now)
}

// notes are what is out of the ordinary.
func notes(r admin.RecordDocument) []string {
	var list []string
	if r.Declared != nil && !*r.Declared {
		list = append(list, "removed")
	}
	if r.Lease != nil && r.Lease.Held {
		list = append(list, "locked")
	}
	if r.Pending != nil {
		list = append(list, "undelivered token")
	}
	if r.Current != nil && r.Current.Rejected {
		list = append(list, "rejected")
	}
	if r.Block != nil {
		list = append(list, string(r.Block.Reason))
	}
	return list
}

func (p recordPrinter) record(d admin.RecordDocument) {
	st := p.style()
	p.printf("%s\n", st.bold(clean(d.Address)))
	p.field("project", clean(d.Project))
	p.field("configuration", standing(d.Declared))
	p.field("on_remove", d.OnRemove)
	if d.FirstSeenAt != nil {
		p.field("credentials", "first used "+exactAndRelative(*d.FirstSeenAt, p.now))
	}
	if d.Current == nil && d.Pending == nil {
		p.field("token", "none")
	}
	p.grant("Current token", d.Current)
	p.grant("Undelivered token", d.Pending)
	p.targets(d.Targets)
	p.trouble(d)
}

func standing(declared *bool) string {
	switch {
	case declared == nil:
		return "unknown: the configuration has errors or unknown values"
	case *declared:
		return "declares the account"
	}
	return "account removed; the next apply cleans up"
}

func (p recordPrinter) heading(text string) { p.printf("\n  %s\n", p.style().bold(text)) }

func (p recordPrinter) grant(title string, g *admin.GrantDocument) {
	if g == nil {
		return
	}
	if g.Rejected {
		title += ", rejected by the upstream"
	}
	p.heading(title)
	p.field("id", clean(g.ID))
	if g.IssuedAt != nil {
		p.field("issued", exactAndRelative(*g.IssuedAt, p.now))
	}
	if g.ExpiresAt != nil {
		p.field("expires", exactAndRelative(*g.ExpiresAt, p.now))
	} else {
		p.field("expires", "never")
	}
	if g.RefreshableUntil != nil {
		p.field("refreshable", "until "+exactAndRelative(*g.RefreshableUntil, p.now))
	} else if g.Refreshable {
		p.field("refreshable", "yes")
	}
	if g.VerifiedAt != nil {
		p.field("verified", exactAndRelative(*g.VerifiedAt, p.now))
	} else {
		p.field("verified", "not yet")
	}
	p.field("outputs", clean(strings.Join(g.Outputs, ", ")))
	p.field("fingerprints", clean(fmt.Sprintf("login %s, shape %s", g.LoginFingerprint, g.ShapeFingerprint)))
}

func (p recordPrinter) targets(targets []admin.RecordTarget) {
	if len(targets) == 0 {
		return
	}
	p.heading("Targets")
	for _, t := range targets {
		p.printf("    %s %s\n", clean(t.Sink), clean(t.Location))
		what := "claimed, nothing written yet"
		if t.Holds != "nothing" {
			what = "holds the " + map[string]string{"current": "current token", "pending": "undelivered token", "older": "token before"}[t.Holds]
		}
		if t.Merge {
			what += ", merged with other keys"
		}
		p.paragraph(6, what)
		if t.DeliveredAt != nil {
			written := "written " + exactAndRelative(*t.DeliveredAt, p.now)
			if t.Version != "" {
				written += ", version " + t.Version
			}
			p.paragraph(6, written)
		}
		if len(t.Keys) > 0 {
			p.paragraph(6, "keys "+strings.Join(t.Keys, ", "))
		}
	}
}

// trouble prints what stands in the way of the account.
func (p recordPrinter) trouble(d admin.RecordDocument) {
	if l := d.Lease; l != nil {
		p.heading("Lease")
		p.field("held by", clean(l.Holder))
		p.field("last seen", exactAndRelative(*l.RenewedAt, p.now))
		if l.Held {
			p.field("ends", exactAndRelative(*l.ExpiresAt, p.now))
		} else {
			p.field("ended", "the next apply takes it over")
		}
	}
	if b := d.Block; b != nil {
		p.heading(needsHuman(b.Reason))
		p.field("since", exactAndRelative(*b.Since, p.now))
		p.paragraph(6, diag.Sentence(b.Message))
		p.remedy(b.Reason, d.Address, d.Challenge != nil)
	}
	if c := d.Challenge; c != nil {
		p.heading("Code sent to a human, not entered yet")
		p.field("sent", exactAndRelative(*c.SentAt, p.now))
	}
	if len(d.Rejections) == 0 {
		return
	}
	p.heading("Rejected logins, which are not tried again")
	for _, j := range slices.Backward(d.Rejections) {
		p.field("login "+clean(j.LoginFingerprint), exactAndRelative(*j.At, p.now))
	}
}

// forgetting lists what goes with a record.
func (p recordPrinter) forgetting(d admin.RecordDocument) {
	p.printf("%s\n\n", p.style().bold(clean(d.Address)+" will be forgotten. The state loses:"))
	for _, loss := range p.losses(d) {
		text := wrap(clean(loss), 4, p.width())
		p.printf("  %s %s\n", p.style().red("-"), strings.TrimLeft(text, " "))
	}
	if len(d.Targets) > 0 {
		p.printf("\n  These targets stay as they are, with the values in them:\n")
		for _, t := range d.Targets {
			p.printf("    %s %s\n", clean(t.Sink), clean(t.Location))
		}
	}
	p.printf("\n")
	p.paragraph(2, consequence(d))
}

func (p recordPrinter) losses(d admin.RecordDocument) []string {
	var list []string
	for _, g := range []struct {
		name  string
		grant *admin.GrantDocument
	}{{"the current token", d.Current}, {"a token that has not been delivered yet", d.Pending}} {
		if g.grant == nil {
			continue
		}
		text := g.name + ", which does not expire"
		if at := g.grant.ExpiresAt; at != nil && at.After(p.now) {
			text = g.name + ", good until " + exactAndRelative(*at, p.now)
		} else if at != nil {
			text = g.name + ", which has expired"
		}
		if g.grant.Refreshable {
			text += ", and its refresh token"
		}
		list = append(list, text)
	}
	if d.Block != nil {
		list = append(list, fmt.Sprintf("the block: needs a human (%s)", d.Block.Reason))
	}
	if n := len(d.Rejections); n > 0 {
		list = append(list, fmt.Sprintf("%s: the next apply tries these credentials again, which may lock the account", Plural(n, "rejected login")))
	}
	if d.Challenge != nil {
		list = append(list, "the login that is waiting for a code")
	}
	return append(list, "the record of which token each target holds")
}

// consequence says what comes after.
func consequence(d admin.RecordDocument) string {
	switch {
	case d.Declared != nil && !*d.Declared && d.OnRemove == "delete":
		return "The account was removed from the configuration. The next apply would delete its targets, because on_remove = \"delete\"; after this, nothing will delete them."
	case d.Declared != nil && !*d.Declared:
		return "The account was removed from the configuration. The next apply would forget it too."
	}
	return "If the account is still in the configuration, the next apply logs in again and delivers. Targets of sinks without owner marks, such as files, then need adopt = true once."
}

// Migrating says which records are about to be moved, and from where to where.
func (o *Output) Migrating(m *admin.Migrated, project, from, to string) {
	p := planPrinter{Stream: o.Out, now: o.Now()}
	switch {
	case len(m.Steps) > 0:
		p.printf("%s\n", p.style().bold(fmt.Sprintf("%s of project %s will be moved.", Plural(len(m.Steps), "record"), clean(project))))
		p.printf("\n")
		p.field("from", clean(from))
		p.field("to", clean(to))
		p.printf("\n")
		for _, s := range m.Steps {
			text := clean(s.Address)
			if s.There {
				text += "  (already there)"
			}
			p.printf("  %s\n", text)
		}
	case len(m.Problems) == 0:
		p.printf("%s\n", clean(fmt.Sprintf("There are no records of project %s in %s, so there is nothing to migrate.", project, from)))
	}
	if m.Foreign > 0 {
		p.printf("\n")
		p.paragraph(2, fmt.Sprintf("%s of other projects there will not be moved.", Plural(m.Foreign, "record")))
	}
}

// RecordsAre is so many records, with the verb.
func RecordsAre(n int) string {
	if n == 1 {
		return "1 record is"
	}
	return fmt.Sprintf("%d records are", n)
}
