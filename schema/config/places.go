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
	*Delivery
}

// checkTargets reports deliveries that would overwrite each other, lie in each
// other's way, or lie where the state is.
func (l *loader) checkTargets(accounts []*Account, s *State) {
	first := map[string]claim{}
	keys := map[string]map[string]claim{}
	for _, a := range accounts {
		for _, d := range a.Deliveries {
			if d.Target.Location == "" {
				continue
			}
			here := claim{account: a.Address, Delivery: d}
			if l.checkStatePlace(here, s) {
				l.checkShared(here, first, keys)
			}
		}
	}
	for _, a := range accounts {
		for _, d := range a.Deliveries {
			if d.Sink.Spec.Tree && d.Target.Location != "" {
				l.checkAbove(claim{account: a.Address, Delivery: d}, first)
			}
		}
	}
}

// place is what two deliveries to one target have in common.
func (l *loader) place(s *Sink, t sinks.Target) string {
	if s.Spec.Tree {
		return s.Spec.Type + "\x00" + l.absolute(t.Location)
	}
	return s.Name + "\x00" + t.Location
}

func (l *loader) absolute(location string) string {
	if filepath.IsAbs(location) {
		return filepath.Clean(location)
	}
	dir, err := filepath.Abs(l.dir)
	if err != nil {
		dir = l.dir // the working directory is gone; paths still compare
	}
	return filepath.Join(dir, location)
}

// checkShared reports a delivery to a target that another has, unless both
// merge and write different keys.
func (l *loader) checkShared(here claim, first map[string]claim, keys map[string]map[string]claim) {
	target := l.place(here.Sink, here.Target)
	other, taken := first[target]
	if !taken {
		first[target] = here
		keys[target] = map[string]claim{}
	} else if !other.Target.Merge || !here.Target.Merge {
		l.clash(here, other, "")
		return
	}
	for _, key := range here.keys {
		if other, taken := keys[target][key]; taken {
			l.clash(here, other, key)
			return
		}
		keys[target][key] = here
	}
}

func (l *loader) clash(here, other claim, key string) {
	what := fmt.Sprintf("%s of sink %s", here.Target.Location, here.Sink.Name)
	hint := "Give each a place of its own, or set merge = true in both and let them write different keys."
	if key != "" {
		what = fmt.Sprintf("the key %q of %s", key, what)
		hint = "Give each a key of its own with the data argument."
	}
	l.report.error(here.def, here.account, "Two deliveries to one target", fmt.Sprintf("%s and %s would both write %s: here, and at %s. %s", other.account, here.account, what, place(other.def), hint))
}

// checkAbove reports a target that would need another target for a directory.
func (l *loader) checkAbove(here claim, taken map[string]claim) {
	at := l.absolute(here.Target.Location)
	for dir := filepath.Dir(at); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if other, ok := taken[here.Sink.Spec.Type+"\x00"+dir]; ok {
			l.report.error(here.def, here.account, "One target inside another", fmt.Sprintf(
				"%s writes the file %s, so %s cannot be a file below it: here, and at %s. Give one of them another path.",
				other.account, other.Target.Location, here.Target.Location, place(other.def)))
			return
		}
	}
}

// checkStatePlace reports a target among the state's records, where it would be
// taken for one of them.
func (l *loader) checkStatePlace(here claim, s *State) bool {
	if s == nil || s.Sink.Spec != here.Sink.Spec || !s.Values.AllKnown() || !s.Sink.Values.AllKnown() {
		return true
	}
	records, err := s.Sink.Spec.Record(s.Sink.Values, s.Values, "")
	if err != nil {
		return true // reported where the state is declared
	}
	state, target := l.place(s.Sink, records), l.place(here.Sink, here.Target)
	separator := "/"
	if here.Sink.Spec.Tree {
		separator = string(filepath.Separator)
	}
	within := strings.HasPrefix(target, state+separator)
	if here.Sink.Spec.Tree {
		// A file where the state needs a directory is as bad.
		within = within || target == state || strings.HasPrefix(state, target+separator)
	}
	if !within {
		return true
	}
	l.report.error(here.def, here.account, "Target in the place of the state", fmt.Sprintf(
		"%s would lie in %s, where credsync keeps its state. Give the target another path.", here.Target.Location, records.Location))
	return false
}
