package reference

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// SchemaFile is the name of the JSON Schema below docs/reference.
const SchemaFile = "credsync.schema.json"

// jsonNode is a JSON Schema, or a part of one.
type jsonNode = map[string]any

// JSONSchema returns the JSON Schema (draft 7, which every editor knows) of
// configurations in JSON: *.hcl.json. It knows every block and attribute, and
// takes an expression, "${…}", wherever the language does. What only decoding
// can find, such as a misspelt field of token, it lets pass.
func JSONSchema(p *providers.Registry, s *sinks.Registry) []byte {
	w := schemaWriter{providers: withInline(p), sinks: s, definitions: jsonNode{}}
	w.values()
	root := jsonNode{
		"$schema": "http://json-schema.org/draft-07/schema#",
		"$id":     "https://github.com/credsync/credsync/docs/reference/" + SchemaFile,
		"title":   "A credsync configuration in JSON",
		"type":    "object",
		"properties": jsonNode{
			"//":       comment(),
			"credsync": w.many(w.body("credsync", schema.SettingsBlock())),
			"variable": w.labelled(w.body("variable", schema.VariableBlock())),
			"locals":   w.many(w.define("locals", jsonNode{"type": "object", "description": schema.LocalsBlock().Doc})),
			"sink":     w.bySink(schema.SinkCommon(), func(s *sinks.Spec) *schema.Block { return &s.Connection }),
			"data":     w.bySink(schema.DataCommon(), func(s *sinks.Spec) *schema.Block { return &s.Data }),
			"state":    w.state(),
			"account":  w.accounts(),
			"upstream": w.labelled(w.body("upstream", schema.UpstreamBlock())),
			"audit":    w.many(w.body("audit", schema.AuditBlock())),
			"notify":   w.labels("notify", jsonNode{"webhook": w.labelled(w.body("notify_webhook", schema.NotifyBlock()))}),
			"moved":    w.many(w.body("moved", schema.MovedBlock())),
			"import":   w.many(w.body("import", schema.ImportBlock())),
		},
		"additionalProperties": false,
		"definitions":          w.definitions,
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(root); err != nil {
		panic(fmt.Sprintf("reference: the JSON Schema cannot be encoded: %v", err))
	}
	return b.Bytes()
}

type schemaWriter struct {
	providers   *providers.Registry
	sinks       *sinks.Registry
	definitions jsonNode
}

// define keeps a part under a name, and returns a reference to it.
func (w schemaWriter) define(name string, n jsonNode) jsonNode {
	w.definitions[name] = n
	return jsonNode{"$ref": "#/definitions/" + name}
}

// many is one, or a list of them: so JSON writes a block that may come several
// times, and at each level of its labels.
func (w schemaWriter) many(n jsonNode) jsonNode {
	return jsonNode{"anyOf": []jsonNode{n, {"type": "array", "items": n}}}
}

// labelled is an object with one property for each value of a label.
func (w schemaWriter) labelled(n jsonNode) jsonNode {
	return w.many(jsonNode{"type": "object", "properties": jsonNode{"//": comment()}, "additionalProperties": w.many(n)})
}

// labels is the same where the values of the label are known.
func (w schemaWriter) labels(name string, properties jsonNode) jsonNode {
	properties["//"] = comment()
	return w.many(w.define(name, jsonNode{"type": "object", "properties": properties, "additionalProperties": false}))
}

func (w schemaWriter) bySink(common *schema.Block, own func(*sinks.Spec) *schema.Block) jsonNode {
	types := jsonNode{}
	for _, name := range w.sinks.Names() {
		spec, _ := w.sinks.Lookup(name)
		types[name] = w.labelled(w.body(common.Type+"_"+name, schema.Join(common, own(spec))))
	}
	return w.labels(common.Type, types)
}

// state has a second label, except for a file, which can do without.
func (w schemaWriter) state() jsonNode {
	types := jsonNode{}
	for _, name := range w.sinks.Names() {
		spec, _ := w.sinks.Lookup(name)
		body := w.body("state_"+name, schema.Join(schema.StateCommon(), &spec.State))
		types[name] = w.labelled(body)
		if name == "file" {
			types[name] = jsonNode{"anyOf": []jsonNode{w.many(body), w.labelled(body)}}
		}
	}
	return w.labels("state", types)
}

func (w schemaWriter) accounts() jsonNode {
	deliver := w.bySink(schema.DeliverCommon(), func(s *sinks.Spec) *schema.Block { return &s.Deliver })
	dynamic := w.dynamic()
	types := jsonNode{}
	for _, name := range w.providers.Names() {
		spec, _ := w.providers.Lookup(name)
		table := schema.Join(schema.AccountCommon(), spec.Block())
		table.Doc = spec.Doc
		body := w.body("account_"+name, table)
		properties := w.definitions["account_"+name].(jsonNode)["properties"].(jsonNode)
		properties["deliver"], properties["dynamic"] = deliver, dynamic
		types[name] = w.labelled(body)
	}
	return w.labels("account", types)
}

// dynamic makes deliver blocks. Their labels, and so their attributes, may be
// expressions: the content is not looked into.
func (w schemaWriter) dynamic() jsonNode {
	return w.labels("dynamic", jsonNode{"deliver": w.many(w.define("dynamic_deliver", jsonNode{
		"type": "object",
		"properties": jsonNode{
			"//":       comment(),
			"for_each": jsonNode{"description": "A list, map or set: one deliver block for each element."},
			"iterator": jsonNode{"type": "string", "description": "The name of the element in expressions; `deliver` by default."},
			"labels":   attributeType(cty.List(cty.String)),
			"content":  w.many(jsonNode{"type": "object"}),
		},
		"required":             []string{"for_each", "content"},
		"additionalProperties": false,
	}))})
}

// body is the object that a block's table describes, defined under a name.
func (w schemaWriter) body(name string, b *schema.Block) jsonNode {
	properties, required := jsonNode{"//": comment()}, []string{}
	for _, a := range b.Attributes {
		properties[a.Name] = attribute(a)
		if a.Required && len(a.Env) == 0 {
			required = append(required, a.Name)
		}
	}
	for i := range b.Blocks {
		n := &b.Blocks[i]
		properties[n.Type] = w.nested(name, n)
		if n.Min > 0 {
			required = append(required, n.Type)
		}
	}
	body := jsonNode{"type": "object", "properties": properties, "additionalProperties": false}
	if b.Doc != "" {
		body["description"] = b.Doc
	}
	if len(required) > 0 {
		body["required"] = required
	}
	return w.define(name, body)
}

func (w schemaWriter) nested(in string, n *schema.Nested) jsonNode {
	name := in + "_" + n.Type
	if n.Type == "http" {
		// The same in every account.
		name = n.Type
	}
	switch {
	case n.Type == "response":
		// The same everywhere, as is a request, which may have a label.
		return w.many(w.body("upstream_response", &n.Block))
	case n.Type == "request":
		body := w.body("upstream_request", &n.Block)
		return jsonNode{"anyOf": []jsonNode{w.many(body), w.labelled(body)}}
	case n.Type == "locals":
		return w.many(w.define("locals", jsonNode{"type": "object", "description": schema.LocalsBlock().Doc}))
	case len(n.Variants) == 0 && len(n.Labels) == 1:
		return w.labelled(w.body(name, &n.Block))
	case len(n.Variants) == 0:
		return w.many(w.body(name, &n.Block))
	}
	variants := jsonNode{}
	for _, label := range n.VariantLabels() {
		table, _ := n.Variant(label)
		variants[label] = w.many(w.body(name+"_"+label, table))
	}
	return w.labels(name, variants)
}

func attribute(a schema.Attribute) jsonNode {
	n := attributeType(a.Type)
	if len(a.OneOf) > 0 {
		word := jsonNode{"anyOf": []jsonNode{{"enum": a.OneOf}, expression(), {"type": "null"}}}
		switch {
		case a.Type == cty.String:
			n = word
		case a.Type.IsListType(), a.Type.IsSetType():
			n = jsonNode{"anyOf": []jsonNode{{"type": "array", "items": word}, expression(), {"type": "null"}}}
		}
	}
	if doc := docOf(a); doc != "" {
		n["description"] = doc
	}
	if a.Default != cty.NilVal && !a.Sensitive {
		if b, err := ctyjson.Marshal(a.Default, a.Default.Type()); err == nil {
			n["default"] = json.RawMessage(b)
		}
	}
	return n
}

// attributeType is what JSON may have where a value of that type is wanted: the
// value, what converts to it, an expression in a string, or null for nothing.
func attributeType(t cty.Type) jsonNode {
	switch {
	case t == cty.String, t == cty.Bool, t == cty.Number:
		return jsonNode{"$ref": "#/definitions/" + t.FriendlyName()}
	case t.IsListType() || t.IsSetType():
		return jsonNode{"anyOf": []jsonNode{{"type": "array", "items": attributeType(t.ElementType())}, expression(), {"type": "null"}}}
	case t.IsMapType():
		return jsonNode{"anyOf": []jsonNode{{"type": "object", "additionalProperties": attributeType(t.ElementType())}, expression(), {"type": "null"}}}
	case t.IsObjectType():
		return jsonNode{"anyOf": []jsonNode{{"type": "object"}, expression(), {"type": "null"}}}
	}
	return jsonNode{}
}

// values defines what stands for the values of simple types.
func (w schemaWriter) values() {
	w.define("expression", jsonNode{"type": "string", "pattern": `[$%]\{`})
	w.define("string", jsonNode{"type": []string{"string", "number", "boolean", "null"}})
	w.define("bool", jsonNode{"anyOf": []jsonNode{{"enum": []any{true, false, "true", "false", nil}}, expression()}})
	w.define("number", jsonNode{"anyOf": []jsonNode{{"type": []string{"number", "null"}}, {"type": "string", "pattern": `^-?[0-9.]+([eE][+-]?[0-9]+)?$`}, expression()}})
}

// expression is a string with an interpolation or a directive in it.
func expression() jsonNode { return jsonNode{"$ref": "#/definitions/expression"} }

// comment is the property that JSON has in place of comments.
func comment() jsonNode { return jsonNode{"description": "A comment."} }
