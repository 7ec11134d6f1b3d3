package main

import (
	"testing"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/memorysink"
	"github.com/zclconf/go-cty/cty"
)

// A configuration that is read again for its inputs alone goes on with the
// logins that there are, unless a sink's block has changed.
func TestConnectionsAreKeptWhereTheirBlockIsTheSame(t *testing.T) {
	block := func(name, value string) *config.Sink {
		spec := memorysink.Spec(func(string) *memorysink.Sink { return memorysink.New() })
		return &config.Sink{
			Name:   name,
			Spec:   spec,
			Values: schema.NewValues(&spec.Connection, "", map[string]cty.Value{"name": cty.StringVal(value)}, nil),
		}
	}
	open := func(c *connections, s *config.Sink) sinks.Sink {
		t.Helper()
		sink, err := c.open(s)
		if err != nil {
			t.Fatal(err)
		}
		return sink
	}
	first := &connections{}
	a, b := open(first, block("memory.a", "x")), open(first, block("memory.b", "y"))
	second := first.forNextReading()
	if open(second, block("memory.a", "x")) != a {
		t.Error("an equal block gets another connection")
	}
	if open(second, block("memory.b", "z")) == b || open(second, block("memory.c", "x")) == a {
		t.Error("another block gets the connection of an earlier one")
	}
	// What one reading does not need, the next one may.
	third := first.forNextReading().forNextReading()
	if open(third, block("memory.b", "y")) != b {
		t.Error("a connection that was not used for a while is lost")
	}
}
