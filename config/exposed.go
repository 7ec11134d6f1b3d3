package config

import (
	"github.com/credsync/credsync/schema/diag"
)

// exposedState warns, once, of a target that lies where the state does and
// should not.
func exposedState(c *Config) (diag.Diagnostic, bool) {
	if c.State == nil || c.State.Sink.Spec.Exposes == nil || !c.State.Values.AllKnown() || !c.State.Sink.Values.AllKnown() {
		return diag.Diagnostic{}, false
	}
	spec := c.State.Sink.Spec
	records, err := spec.Record(c.State.Sink.Values, c.State.Values, "")
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
				w := diag.Warningf("The state shares its place with targets", "%s delivers to %s. %s", a.Address, d.Target.Location, why)
				w.Range = c.State.Range
				return w, true
			}
		}
	}
	return diag.Diagnostic{}, false
}
