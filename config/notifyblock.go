package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/diag"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// Notify is one notify block: who is notified about accounts, of what, and how.
type Notify struct {
	// Name is how the state knows it: `webhook.oncall`.
	Name string
	// Values are the block's attributes except for body.
	Values schema.Values
	// On are the kinds of events that it wants.
	On []string
	// AfterFailures is how many runs in a row fail before an account is failing.
	AfterFailures int
	// Within is how long before its end something is expiring.
	Within time.Duration
	Range  *diag.Range

	render func(Event) (credential.Secret, diag.List)
}

// Wants reports whether the block asks for that kind of event.
func (n *Notify) Wants(kind string) bool { return slices.Contains(n.On, kind) }

// Render makes the body of a message. It is a Secret since it may be made of
// secrets too, such as the key of a chat.
func (n *Notify) Render(e Event) (credential.Secret, diag.List) { return n.render(e) }

// Event is something that happened to an account, as a body's `event` has it.
// None of it is secret.
type Event struct {
	// Kind is one of schema.EventKinds, or schema.EventTest. Topic is what it is about: a
	// later event of the same account and topic replaces it.
	Kind  string
	Topic string
	// Project, Address, Provider and Name say which account.
	Project, Address, Provider, Name string
	// Description and Contact are those of its block; either may be empty.
	Description, Contact string
	// Reason is the word for why; for "recovered", why it was not well.
	Reason string
	// Summary is one line, Message a sentence or more, and Remedy what to do, if
	// there is more to say.
	Summary, Message, Remedy string
	// Failures is how many runs in a row have failed.
	Failures int
	// Time is when it was found, Since when it began, Deadline when something
	// ends; the last two may be zero.
	Time, Since, Deadline time.Time
}

// eventObject is what `event` means.
func eventObject(e Event) cty.Value {
	return cty.ObjectVal(map[string]cty.Value{
		"kind": cty.StringVal(e.Kind), "topic": cty.StringVal(e.Topic),
		"project": cty.StringVal(e.Project), "address": cty.StringVal(e.Address), "provider": cty.StringVal(e.Provider), "name": cty.StringVal(e.Name),
		"description": cty.StringVal(e.Description), "contact": cty.StringVal(e.Contact),
		"reason": cty.StringVal(e.Reason), "summary": cty.StringVal(e.Summary), "message": cty.StringVal(e.Message), "remedy": cty.StringVal(e.Remedy),
		"failures": cty.NumberIntVal(int64(e.Failures)),
		"time":     timeValue(e.Time), "since": timeValue(e.Since), "deadline": timeValue(e.Deadline),
	})
}

func timeValue(t time.Time) cty.Value {
	if t.IsZero() {
		return cty.NullVal(cty.String)
	}
	return cty.StringVal(t.UTC().Format(time.RFC3339))
}

// anyEvent is `event` before there is one.
func anyEvent() cty.Value {
	fields := map[string]cty.Value{}
	for name, v := range eventObject(Event{}).AsValueMap() {
		fields[name] = cty.UnknownVal(v.Type())
	}
	return cty.ObjectVal(fields)
}

// declareNotify evaluates the notify blocks, in order of their names.
func (l *loader) declareNotify(blocks []*hcl.Block) []*Notify {
	var all []*Notify
	first := map[string]hcl.Range{}
	for _, b := range blocks {
		name := b.Labels[0] + "." + b.Labels[1]
		if b.Labels[0] != "webhook" {
			l.report.error(b.LabelRanges[0], "", "Unknown notify type", fmt.Sprintf("There is no notify type %q.%s The only type is \"webhook\".", b.Labels[0], didYouMean(b.Labels[0], []string{"webhook"})))
			continue
		}
		if !l.checkName(b.Labels[1], "a notify block", b) {
			continue
		}
		if at, twice := first[name]; twice {
			l.report.error(b.DefRange, "", "Duplicate notify block", fmt.Sprintf("A notify %q %q was already declared at %s. Names must be unique.", b.Labels[0], b.Labels[1], place(at)))
			continue
		}
		first[name] = b.DefRange
		if n := l.notify(b, name); n != nil {
			all = append(all, n)
		}
	}
	slices.SortFunc(all, func(a, b *Notify) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// notify evaluates one; nil if that fails, or if it depends on values that were
// not read.
func (l *loader) notify(b *hcl.Block, name string) *Notify {
	sc := scope{ctx: l.fullContext, address: "notify." + name}
	s := sectionOf(b)
	content, ok := l.splitByTables(s, sc, []*schema.Block{l.tables.notify})
	values, good := l.decode(content, l.tables.notify, s, sc)
	body := content.Attributes["body"]
	if body != nil && !l.checkBody(body, sc) {
		return nil
	}
	if !ok || !good || !values.AllKnown() {
		return nil
	}
	n := &Notify{
		Name: name, Values: values, On: values.Strings("on"), AfterFailures: values.Int("after_failures"),
		Within: values.Duration("expiring_within"), Range: convertRange(b.DefRange),
	}
	if len(n.On) == 0 {
		n.On = schema.EventKinds
	}
	n.render = l.bodyRenderer(body, sc, n.Range)
	return n
}

// withEvent is the scope of a body, in which event has that value.
func withEvent(sc scope, event cty.Value) scope {
	sc.event = true
	sc.ctx = sc.ctx.NewChild()
	sc.ctx.Variables = map[string]cty.Value{"event": event}
	return sc
}

// checkBody type-checks a body against an event that is not known yet.
func (l *loader) checkBody(body *hcl.Attribute, sc scope) bool {
	l.report.revealNames(body.Expr)
	v, ok := l.evaluate(body.Expr, withEvent(sc, anyEvent()), false)
	if !ok {
		return false
	}
	v, _ = v.Unmark()
	if v.IsKnown() && v.IsNull() {
		l.report.error(body.Expr.Range(), sc.address, "Invalid body", "The body of a notify block must not be null. Leave it out to send { text = event.summary }.")
		return false
	}
	return true
}

// bodyRenderer makes the function behind Notify.Render, which may be called at
// any time and concurrently, as that of a deliver block.
func (l *loader) bodyRenderer(
	body *hcl.Attribute,
	sc scope,
	at *diag.Range,
) func(Event) (credential.Secret, diag.List) {
	return func(e Event) (credential.Secret, diag.List) {
		v := cty.ObjectVal(map[string]cty.Value{"text": cty.StringVal(e.Summary)})
		if body != nil {
			quiet := *l
			quiet.report = l.report.withoutFindings()
			var ok bool
			if v, ok = quiet.evaluate(body.Expr, withEvent(sc, eventObject(e)), false); !ok {
				return credential.Secret{}, quiet.report.list()
			}
		}
		v, _ = v.UnmarkDeep()
		if !v.IsWhollyKnown() || v.IsNull() {
			return credential.Secret{}, diag.List{diag.Errorf("The body could not be built", "It is null, or depends on data that was not read.").About(sc.address, at)}
		}
		text, err := encodeValue(v)
		if err != nil {
			return credential.Secret{}, diag.List{diag.Errorf("The body could not be built", "Its value cannot be written as JSON.").About(sc.address, at)}
		}
		return credential.NewSecret(text), nil
	}
}
