package render

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
)

// pageAccount is one account on the page. Every text is clean; the template
// escapes it.
type pageAccount struct {
	Address, Provider, State string
	Health                   plan.Health
	// Why, Blocker, Advice, Command and Facts are of one that needs attention.
	Why, Blocker, Advice, Command string
	Facts                         []pageFact
	Life                          tokenTimeline
	Rotates, Human, Held          string
	// Targets are where it is delivered to.
	Targets []string
}

type pageFact struct{ Name, Text string }

// accountRow is an account as a line of the table.
func accountRow(a plan.DocumentAccount, now time.Time) pageAccount {
	p := pageAccount{
		Address: strings.TrimPrefix(
			clean(a.Address),
			"account.",
		), Provider: clean(a.Provider), State: stateWord(a), Health: a.Health,
		Life: newTokenTimeline(a, now), Rotates: "-", Human: "-", Held: targetsCell(a),
	}
	if a.RotateAt != nil {
		p.Rotates = rotationTime(*a.RotateAt, now)
	}
	if a.HumanNeededBy != nil {
		p.Human = exactAndRelative(*a.HumanNeededBy, now)
	}
	for _, t := range a.Targets {
		p.Targets = append(p.Targets, targetText(t))
	}
	return p
}

func targetText(t plan.DocumentTarget) string {
	text := clean(t.Sink) + " " + clean(t.Location)
	if t.Action == plan.None && t.Reason == plan.Current {
		return text
	}
	if t.Action == plan.None {
		return fmt.Sprintf("%s: %s", text, t.Reason)
	}
	return fmt.Sprintf("%s: %s (%s)", text, t.Action, t.Reason)
}

// accountNeedingAttention is an account that needs attention, with all that is known.
func accountNeedingAttention(a plan.DocumentAccount, now time.Time) pageAccount {
	p := accountRow(a, now)
	p.Address = clean(a.Address)
	if a.HealthMessage != nil {
		p.Why = diag.Sentence(clean(*a.HealthMessage))
	}
	if b := a.Blocker; b != nil {
		p.Blocker = diag.Sentence(clean(b.Message))
		p.Advice, p.Command = remedy(b.Reason, cmp.Or(b.Address, a.Address), b.CodeSentAt != nil)
		if b.Since != nil {
			p.Facts = append(p.Facts, pageFact{"Blocked since", exactAndRelative(*b.Since, now)})
		}
	} else {
		p.Advice, p.Command = remedyOfWarning(a, now)
	}
	for _, said := range []struct {
		name string
		text *string
	}{{"Description", a.Description}, {"Contact", a.Contact}} {
		if said.text != nil {
			p.Facts = append(p.Facts, pageFact{said.name, clean(*said.text)})
		}
	}
	if f := a.LastFailure; f != nil && failing(a) {
		p.Facts = append(p.Facts, pageFact{"The last run failed", exactAndRelative(f.At, now) + ": " + diag.Sentence(clean(f.Message))})
	}
	if a.HumanNeededBy != nil {
		p.Facts = append(p.Facts, pageFact{"Human needed by", exactAndRelative(*a.HumanNeededBy, now)})
	}
	for _, c := range a.Clocks {
		name := clockWords(c.Name)
		p.Facts = append(p.Facts, pageFact{string(name[0]-'a'+'A') + clean(name[1:]), clockText(c, now)})
	}
	if a.RotateAt != nil {
		p.Facts = append(p.Facts, pageFact{"Next rotation", rotationTime(*a.RotateAt, now)})
	}
	return p
}

// tokenTimeline is the timeline of a token: its life, the window in which it is
// replaced, and now.
type tokenTimeline struct {
	// Label says it in words, for those who cannot see the bars.
	Label    string
	From, To string
	Bars     []timelineBar
}

// timelineBar is a part of a timeline that is lifeWidth wide.
type timelineBar struct {
	Class    string
	X, Width int
}

const lifeWidth = 1000

// nowWidth is that of the mark for now.
const nowWidth = 8

func newTokenTimeline(a plan.DocumentAccount, now time.Time) tokenTimeline {
	switch {
	case a.IssuedAt == nil:
		return tokenTimeline{Label: "no token"}
	case a.ExpiresAt == nil:
		return tokenTimeline{Label: "does not expire; issued " + exactAndRelative(*a.IssuedAt, now)}
	}
	from, end := *a.IssuedAt, *a.ExpiresAt
	last := end
	if now.After(last) {
		last = now
	}
	at := func(t time.Time) int { return timelinePosition(t, from, last) }
	l := tokenTimeline{
		From: exactTime(from),
		To:   exactTime(end) + ", " + relativeTime(end, now),
		Bars: []timelineBar{{"bar-life", 0, at(end)}},
	}
	l.Label = fmt.Sprintf("Token of %s to %s", exactTime(from), exactTime(end))
	if a.RotateAt != nil {
		l.Bars = append(l.Bars, timelineBar{"bar-window", at(*a.RotateAt), at(end) - at(*a.RotateAt)})
		l.Label += ", to be rotated from " + exactTime(*a.RotateAt)
	}
	if last.After(end) {
		l.Bars = append(l.Bars, timelineBar{"bar-late", at(end), lifeWidth - at(end)})
	}
	l.Label += "; now is " + exactTime(now)
	l.Bars = append(l.Bars, timelineBar{"bar-now", min(at(now), lifeWidth-nowWidth), nowWidth})
	return l
}

// timelinePosition is where t lies between from and last, from 0 to lifeWidth.
func timelinePosition(t, from, last time.Time) int {
	if !last.After(from) {
		return 0
	}
	share := float64(t.Sub(from)) / float64(last.Sub(from))
	return int(lifeWidth * min(max(share, 0), 1))
}
