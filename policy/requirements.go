// Package policy finds out what a configuration needs at its sinks, for the
// commands that print a policy.
package policy

import (
	"fmt"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

// Requirements returns what a configuration does with its sinks of one type, in their
// order. Sinks with no use are in it too. What depends on values that were not
// read is an error.
func Requirements(c *config.Config, sinkType string) ([]sinks.Use, diag.List) {
	diags := unknown(c, sinkType)
	if diags.HasErrors() {
		return nil, diags
	}
	var uses []sinks.Use
	for _, s := range c.Sinks {
		if s.Spec.Type != sinkType {
			continue
		}
		u := sinks.Use{Sink: s.Name, Conn: s.Values, Deliver: deliverUses(c, s)}
		for _, d := range c.Data {
			if d.Sink == s {
				u.Data = append(u.Data, sinks.DataUse{Address: d.Address, Target: d.Target})
			}
		}
		if c.State != nil && c.State.Sink == s {
			kept, err := stateUse(c)
			if err != nil {
				diags = append(diags, diag.FromError("The location of the state is unknown", err).About("", c.State.Range))
			}
			u.State = kept
		}
		uses = append(uses, u)
	}
	return uses, diags
}

// unknown reports each place once that cannot be told.
func unknown(c *config.Config, sinkType string) (diags diag.List) {
	seen := map[string]bool{}
	for _, u := range c.Unknown {
		at := ""
		if u.Range != nil {
			at = u.Range.String()
		}
		if u.SinkType != "" && u.SinkType != sinkType || seen[at] {
			continue
		}
		seen[at] = true
		diags = append(diags, diag.Errorf("The permissions that this needs are unknown",
			"It depends on a data block or on a sensitive variable without a value, and credsync policy reads neither. Build locations, sinks and for_each from variables and locals instead, or set the variable.").About(u.Address, u.Range))
	}
	return diags
}

func deliverUses(c *config.Config, s *config.Sink) (uses []sinks.DeliverUse) {
	for _, a := range c.Accounts {
		for _, d := range a.Deliveries {
			if d.Sink == s {
				uses = append(
					uses,
					sinks.DeliverUse{Account: a.Address, Target: d.Target, Adopt: d.Adopt, Delete: a.DeleteOnRemove},
				)
			}
		}
	}
	return uses
}

func stateUse(c *config.Config) (*sinks.StateUse, error) {
	place := func(name string) (sinks.Target, error) {
		t, err := c.State.Record(name)
		if err != nil {
			err = fmt.Errorf("%s: %w", c.State.Sink.Name, err)
		}
		return t, err
	}
	all, err := place("")
	if err != nil {
		return nil, err
	}
	u := &sinks.StateUse{All: all}
	for _, a := range c.Accounts {
		t, err := place(state.RecordName(c.Project, a.Address))
		if err != nil {
			return nil, err
		}
		u.Records = append(u.Records, t)
	}
	return u, nil
}
