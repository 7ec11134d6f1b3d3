package memorysink

import (
	"errors"
	"strings"

	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/zclconf/go-cty/cty"
)

// Spec returns the spec of sink type "memory", for configurations in tests:
//
//	sink "memory" "main" { name = "main" }
//
// open is called with that name, "main" by default, to get the sink; a test
// that keeps what it returns looks into it afterwards.
func Spec(open func(name string) *Sink) *sinks.Spec {
	path := schema.Attribute{
		Name: "path", Type: cty.String, Required: true, Doc: "The place, with slashes.",
		Check: func(v cty.Value) error {
			if strings.Trim(v.AsString(), "/") == "" {
				return errors.New("a path is needed")
			}
			return nil
		},
	}
	target := func(_, v schema.Values) (sinks.Target, error) {
		p := strings.Trim(v.String("path"), "/")
		return sinks.Target{Path: p, Location: "memory/" + p, Options: v}, nil
	}
	return &sinks.Spec{
		Type: "memory",
		Doc:  "Keeps everything in memory; for tests.",
		Connection: schema.Block{Type: "sink", Labels: []string{"memory", "name"}, Attributes: []schema.Attribute{
			{Name: "name", Type: cty.String, Default: cty.StringVal("main"), Doc: "Which of the test's sinks this is."},
		}},
		Deliver: schema.Block{Type: "deliver", Attributes: []schema.Attribute{path, {
			Name: "restart", Type: cty.List(cty.String), Doc: "What to restart once it has a new token.",
		}, {
			Name: "look", Type: cty.String, Effect: schema.ShapesTarget, Doc: "What a target looks like; it is kept nowhere.",
		}}},
		State: schema.Block{Type: "state", Attributes: []schema.Attribute{path}},
		Data:  schema.Block{Type: "data", Attributes: []schema.Attribute{path}},
		Target: func(conn, v schema.Values) (sinks.Target, error) {
			t, err := target(conn, v)
			t.Restarts = v.Strings("restart")
			return t, err
		},
		Source: target,
		Record: func(conn, state schema.Values, name string) (sinks.Target, error) {
			t, err := target(conn, state)
			if name != "" {
				t.Path += "/" + name
				t.Location += "/" + name
			}
			return t, err
		},
		New: func(conn schema.Values, _ sinks.Env) (sinks.Sink, error) {
			return open(conn.String("name")), nil
		},
	}
}
