package config

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/credsync/credsync/sinks"
)

// claim is a delivery with the account it belongs to.
type claim struct {
	account string
	// place is what two deliveries to one target have in common; for one in a
	// tree of files, path is where in it.
	place, path string
	*Delivery
}

// places are those of the targets, by what is found out about them.
type places struct {
	l *loader
	// dir is the absolute directory that relative paths start at.
	dir string
	// state is the place of the state's records; nil if there is none that
	// targets could lie in.
	state *statePlace
	first map[string]claim
	// keys are the claims of each key of a place that several merge into.
	keys map[string]map[string]claim
	// clear are directories, by their places, above which no target is.
	clear map[string]bool
}

// statePlace is where the records of the state are.
type statePlace struct {
	spec     *sinks.Spec
	place    string
	location string
}

// checkTargets reports deliveries that would overwrite each other, lie in each
// other's way, or lie where the state is.
func (l *loader) checkTargets(accounts []*Account, s *State) {
	p := &places{
		l: l, dir: absoluteDir(l.dir), first: map[string]claim{}, keys: map[string]map[string]claim{}, clear: map[string]bool{},
	}
	p.state = p.ofState(s)
	var trees []claim
	for _, a := range accounts {
		for _, d := range a.Deliveries {
			if d.Target.Location == "" {
				continue
			}
			here := claim{account: a.Address, Delivery: d}
			here.place, here.path = p.of(d.Sink, d.Target)
			if p.checkState(here) {
				p.checkShared(here)
			}
			if d.Sink.Spec.Tree {
				trees = append(trees, here)
			}
		}
	}
	for _, here := range trees {
		p.checkAbove(here)
	}
}

func absoluteDir(dir string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return dir // the working directory is gone; paths still compare
	}
	return abs
}

// of is the place of a target, and in a tree of files its path.
func (p *places) of(s *Sink, t sinks.Target) (place, path string) {
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

func (p *places) ofState(s *State) *statePlace {
	if s == nil || !s.Values.AllKnown() || !s.Sink.Values.AllKnown() {
		return nil
	}
	records, err := s.Sink.Spec.Record(s.Sink.Values, s.Values, "")
	if err != nil {
		return nil // reported where the state is declared
	}
	at := &statePlace{spec: s.Sink.Spec, location: records.Location}
	at.place, _ = p.of(s.Sink, records)
	return at
}

// checkShared reports a delivery to a target that another has, unless both
// merge and write different keys.
func (p *places) checkShared(here claim) {
	other, taken := p.first[here.place]
	if !taken {
		p.first[here.place] = here
		return
	}
	if !other.Target.Merge || !here.Target.Merge {
		p.clash(here, other, "")
		return
	}
	keys := p.keys[here.place]
	if keys == nil {
		keys = map[string]claim{}
		for _, key := range other.keys {
			keys[key] = other
		}
		p.keys[here.place] = keys
	}
	for _, key := range here.keys {
		if other, taken := keys[key]; taken {
			p.clash(here, other, key)
			return
		}
		keys[key] = here
	}
}

func (p *places) clash(here, other claim, key string) {
	what := fmt.Sprintf("%s of sink %s", here.Target.Location, here.Sink.Name)
	hint := "Give each a place of its own, or set merge = true in both and let them write different keys."
	if key != "" {
		what = fmt.Sprintf("the key %q of %s", key, what)
		hint = "Give each a key of its own with the data argument."
	}
	p.l.report.error(here.def, here.account, "Two deliveries to one target", fmt.Sprintf("%s and %s would both write %s: here, and at %s. %s", other.account, here.account, what, place(other.def), hint))
}

// checkAbove reports a target that would need another target for a directory.
func (p *places) checkAbove(here claim) {
	prefix := here.Sink.Spec.Type + "\x00"
	for dir := filepath.Dir(here.path); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if p.clear[prefix+dir] {
			break
		}
		if other, ok := p.first[prefix+dir]; ok {
			p.l.report.error(here.def, here.account, "One target inside another", fmt.Sprintf(
				"%s writes the file %s, so %s cannot be a file below it: here, and at %s. Give one of them another path.",
				other.account, other.Target.Location, here.Target.Location, place(other.def)))
			return
		}
	}
	p.clear[prefix+filepath.Dir(here.path)] = true
}

// checkState reports a target among the state's records, where it would be
// taken for one of them.
func (p *places) checkState(here claim) bool {
	if p.state == nil || p.state.spec != here.Sink.Spec {
		return true
	}
	separator := "/"
	if here.Sink.Spec.Tree {
		separator = string(filepath.Separator)
	}
	within := below(here.place, p.state.place, separator)
	if here.Sink.Spec.Tree {
		// A file where the state needs a directory is as bad.
		within = within || here.place == p.state.place || below(p.state.place, here.place, separator)
	}
	if !within {
		return true
	}
	p.l.report.error(here.def, here.account, "Target in the place of the state", fmt.Sprintf(
		"%s would lie in %s, where credsync keeps its state. Give the target another path.", here.Target.Location, p.state.location))
	return false
}

// below reports whether a place begins with another and a separator.
func below(place, of, separator string) bool {
	rest, ok := strings.CutPrefix(place, of)
	return ok && strings.HasPrefix(rest, separator)
}
