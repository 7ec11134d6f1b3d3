package engine_test

import (
	"testing"

	"github.com/credsync/credsync/engine"
)

// A plan says where the state is and where each sink leads, which tells a configuration of
// the test from that of production.
func TestAPlanBeginsWithWhereItsSinksLead(t *testing.T) {
	w := newWorld(t, oneAccount)
	p := w.plan(engine.Request{})
	if p.State == nil || p.State.Sink != "memory.state" || p.State.Address != w.sinks["state"].Address() || p.State.Location == "" {
		t.Errorf("the state is at %+v", p.State)
	}
	found := map[string]string{}
	for _, s := range p.Sinks {
		found[s.Name] = s.Address
	}
	want := map[string]string{"memory.main": w.sinks["main"].Address(), "memory.state": w.sinks["state"].Address()}
	for name, address := range want {
		if found[name] != address {
			t.Errorf("%s leads to %q, want %q", name, found[name], address)
		}
	}
}
