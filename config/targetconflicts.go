package config

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
)

// accountDelivery is a delivery with the account it belongs to.
type accountDelivery struct {
	account string
	// place is what two deliveries to one target have in common; for one in a
	// tree of files, path is where in it.
	place, path string
	*Delivery
}

// targetConflicts are those of the targets, by what is found out about them.
type targetConflicts struct {
	loader *loader
	// dir is the absolute directory that relative paths start at.
	dir string
	// state is the place of the state's records; nil if there is none that
	// targets could lie in.
	state         *statePlace
	firstDelivery map[string]accountDelivery
	// mergedKeys are the claims of each key of a place that several merge into.
	mergedKeys map[string]map[string]accountDelivery
	// noTargetAbove are directories, by their places, above which no target is.
	noTargetAbove map[string]bool
}

// statePlace is where the records of the state are.
type statePlace struct {
	spec     *sinks.Spec
	place    string
	location string
}

// checkTargetConflicts reports deliveries that would overwrite each other, lie in each
// other's way, or lie where the state is.
func (l *loader) checkTargetConflicts(accounts []*Account, s *State) {
	p := &targetConflicts{
		loader: l, dir: absoluteDir(l.dir), firstDelivery: map[string]accountDelivery{},
		mergedKeys: map[string]map[string]accountDelivery{}, noTargetAbove: map[string]bool{},
	}
	p.state = p.placeOfState(s)
	var trees []accountDelivery
	for _, a := range accounts {
		for _, d := range a.Deliveries {
			if d.Target.Location == "" {
				continue
			}
			here := accountDelivery{account: a.Address, Delivery: d}
			here.place, here.path = p.placeOf(d.Sink, d.Target)
			if p.checkOutsideState(here) {
				p.checkSharedTarget(here)
			}
			if d.Sink.Spec.Tree {
				trees = append(trees, here)
			}
		}
	}
	for _, here := range trees {
		p.checkTargetsAbove(here)
	}
}

func absoluteDir(dir string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return dir // the working directory is gone; paths still compare
	}
	return abs
}

// placeOf is the place of a target, and in a tree of files its path.
func (p *targetConflicts) placeOf(s *Sink, t sinks.Target) (place, path string) {
	if !s.Spec.Tree {
		return s.Name + "\x00" + t.Location, ""
	}
	path = t.Location
	if !filepath.IsAbs(path) {
		path = filepath.Join(p.dir, path)
	}
	path = filepath.Clean(path)
	return s.Spec.Type + "\x00" + path, path
}

func (p *targetConflicts) placeOfState(s *State) *statePlace {
	if s == nil || !s.Values.AllKnown() || !s.Sink.Values.AllKnown() {
		return nil
	}
	records, err := s.Record("")
	if err != nil {
		return nil // reported where the state is declared
	}
	at := &statePlace{spec: s.Sink.Spec, location: records.Location}
	at.place, _ = p.placeOf(s.Sink, records)
	return at
}

// checkSharedTarget reports a delivery to a target that another has, unless both
// merge and write different keys.
func (p *targetConflicts) checkSharedTarget(here accountDelivery) {
	other, taken := p.firstDelivery[here.place]
	if !taken {
		p.firstDelivery[here.place] = here
		return
	}
	if !other.Target.Merge || !here.Target.Merge {
		p.reportClash(here, other, "")
		return
	}
	keys := p.mergedKeys[here.place]
	if keys == nil {
		keys = map[string]accountDelivery{}
		for _, key := range other.keys {
			keys[key] = other
		}
		p.mergedKeys[here.place] = keys
	}
	for _, key := range here.keys {
		if other, taken := keys[key]; taken {
			p.reportClash(here, other, key)
			return
		}
		keys[key] = here
	}
}

func (p *targetConflicts) reportClash(here, other accountDelivery, key string) {
	what := fmt.Sprintf("%s of sink %s", here.Target.Location, here.Sink.Name)
	hint := "Give each its own location, or set merge = true in both and write different keys."
	if key != "" {
		what = fmt.Sprintf("the key %q of %s", key, what)
		hint = "Give each its own key with the data argument."
	}
	p.loader.report.error(
		here.def,
		here.account,
		"Two deliveries to one target",
		fmt.Sprintf(
			"%s and %s would both write %s: here, and at %s. %s",
			other.account,
			here.account,
			what,
			place(other.def),
			hint,
		),
	)
}

// checkTargetsAbove reports a target that would need another target for a directory.
func (p *targetConflicts) checkTargetsAbove(here accountDelivery) {
	prefix := here.Sink.Spec.Type + "\x00"
	for dir := filepath.Dir(here.path); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if p.noTargetAbove[prefix+dir] {
			break
		}
		if other, ok := p.firstDelivery[prefix+dir]; ok {
			p.loader.report.error(here.def, here.account, "One target inside another", fmt.Sprintf(
				"%s writes the file %s, so %s cannot be a file below it: here, and at %s. Give one of them another path.",
				other.account, other.Target.Location, here.Target.Location, place(other.def)))
			return
		}
	}
	p.noTargetAbove[prefix+filepath.Dir(here.path)] = true
}

// checkOutsideState reports a target among the state's records, where it would be
// taken for one of them.
func (p *targetConflicts) checkOutsideState(here accountDelivery) bool {
	if p.state == nil || p.state.spec != here.Sink.Spec {
		return true
	}
	separator := "/"
	if here.Sink.Spec.Tree {
		separator = string(filepath.Separator)
	}
	within := isBelow(here.place, p.state.place, separator)
	if here.Sink.Spec.Tree {
		// A file where the state needs a directory is as bad.
		within = within || here.place == p.state.place || isBelow(p.state.place, here.place, separator)
	}
	if !within {
		return true
	}
	p.loader.report.error(here.def, here.account, "Target inside the state's location", fmt.Sprintf(
		"%s is inside %s, where credsync stores its state. Give the target another path.", here.Target.Location, p.state.location))
	return false
}

// isBelow reports whether a place begins with another and a separator.
func isBelow(place, of, separator string) bool {
	rest, ok := strings.CutPrefix(place, of)
	return ok && strings.HasPrefix(rest, separator)
}

// stateSharesPlaceWithTargets warns, once, of a target that lies where the state does and
// should not.
func stateSharesPlaceWithTargets(c *Config) (diag.Diagnostic, bool) {
	if c.State == nil || c.State.Sink.Spec.Exposes == nil || !c.State.Values.AllKnown() ||
		!c.State.Sink.Values.AllKnown() {
		return diag.Diagnostic{}, false
	}
	spec := c.State.Sink.Spec
	records, err := c.State.Record("")
	if err != nil {
		// Whoever opens the state says so.
		return diag.Diagnostic{}, false
	}
	for _, a := range c.Accounts {
		for _, d := range a.Deliveries {
			if d.Sink.Spec != spec || d.Target.Path == "" {
				continue
			}
			if why := spec.Exposes(records, d.Target); why != "" {
				w := diag.Warningf("The state shares its location with targets", "%s delivers to %s. %s", a.Address, d.Target.Location, why)
				w.Range = c.State.Range
				return w, true
			}
		}
	}
	return diag.Diagnostic{}, false
}
