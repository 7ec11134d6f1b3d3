package sinks

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Denial is an ErrDenied that says what would lift it, in a form that can be
// copied: rules of a policy or of a role.
type Denial struct {
	// Op and Locations are what was denied where, such as "write" and
	// "shop/token"; Where is the server: "in Kubernetes at https://…".
	Op        string
	Locations []string
	Where     string
	// Who lacks the permission, Acts are what it may not do; both are empty if Where
	// and Rules say it all. Needs is what has to have Rules: "the token's policy needs".
	Who   string
	Acts  []string
	Needs string
	Rules []string
}

// Error implements error. The rules are indented, so that nobody wraps them.
func (d *Denial) Error() string {
	what := d.Op
	if len(d.Locations) > 0 {
		what += " " + strings.Join(d.Locations, ", ")
	}
	who := ""
	if len(d.Acts) > 0 {
		who = fmt.Sprintf(": %s may not %s", d.Who, strings.Join(d.Acts, ", "))
	}
	return fmt.Sprintf("%s %s: %v%s; %s\n%s", what, d.Where, ErrDenied, who, d.Needs, indent(d.Rules))
}

// Is makes it an ErrDenied.
func (d *Denial) Is(target error) bool { return target == ErrDenied }

func indent(rules []string) string {
	lines := strings.Split(strings.Join(rules, "\n"), "\n")
	return "  " + strings.Join(lines, "\n  ")
}

// Together is errors.Join of what Combined returns.
func Together(errs ...error) error {
	combined, _ := Combined(errs)
	if len(combined) == 1 {
		return combined[0]
	}
	return errors.Join(combined...)
}

// Combined are the errors of several targets as they are told. What says the same is
// said once, and denials that the same rules lift are one, so that all that is missing
// stands in one block. first is, for each, the index of the first error that it has in
// it; nil errors are left out.
func Combined(errs []error) (combined []error, first []int) {
	var texts []string
	var denials []prefixed
	for i, err := range errs {
		if err == nil {
			continue
		}
		if p, ok := asDenial(err); ok {
			if n := slices.IndexFunc(denials, p.joins); n >= 0 {
				denials[n].add(p.Denial)
				continue
			}
			one := prefixed{p.prefix, &Denial{Op: p.Op, Where: p.Where, Who: p.Who, Needs: p.Needs}}
			one.add(p.Denial)
			denials, err = append(denials, one), one
		} else {
			if slices.Contains(texts, err.Error()) {
				continue
			}
			texts = append(texts, err.Error())
		}
		combined, first = append(combined, err), append(first, i)
	}
	return combined, first
}

// prefixed is a denial with what callers have put before it: the sink's name.
type prefixed struct {
	prefix string
	*Denial
}

func (p prefixed) Error() string { return p.prefix + p.Denial.Error() }

func (p prefixed) Unwrap() error { return p.Denial }

// asDenial returns the denial that an error ends with.
func asDenial(err error) (prefixed, bool) {
	var d *Denial
	if !errors.As(err, &d) {
		return prefixed{}, false
	}
	prefix, ok := strings.CutSuffix(err.Error(), d.Error())
	return prefixed{prefix, d}, ok
}

// joins reports whether two denials are of one identity, that one change lifts.
func (p prefixed) joins(other prefixed) bool {
	d, o := p.Denial, other.Denial
	return p.prefix == other.prefix && d.Op == o.Op && d.Where == o.Where && d.Who == o.Who && d.Needs == o.Needs
}

func (d *Denial) add(other *Denial) {
	d.Locations = union(d.Locations, other.Locations)
	d.Acts = union(d.Acts, other.Acts)
	d.Rules = union(d.Rules, other.Rules)
}

func union(a, b []string) []string {
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(a, s)
		}
	}
	return a
}
