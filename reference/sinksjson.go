package reference

import (
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
)

// SinkJSON is a sink's tables for programs.
type SinkJSON struct {
	Type string `json:"type"`
	Doc  string `json:"doc"`
	// Blocks are those that a configuration may have of it: sink, deliver, state, data.
	Blocks []BlockJSON `json:"blocks"`
}

// SinksJSON returns the tables of sinks for programs.
func SinksJSON(specs []*sinks.Spec) []SinkJSON {
	list := []SinkJSON{}
	for _, s := range specs {
		j := SinkJSON{Type: s.Type, Doc: s.Doc, Blocks: []BlockJSON{}}
		for _, b := range []schema.Block{s.Connection, s.Deliver, s.State, s.Data} {
			j.Blocks = append(j.Blocks, BlockJSON{Type: b.Type, Doc: b.Doc, Attributes: attributesJSON(b.Attributes)})
		}
		list = append(list, j)
	}
	return list
}
