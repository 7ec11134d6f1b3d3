package reference

import (
	"strings"

	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
)

// ProviderJSON is a provider's table for programs.
type ProviderJSON struct {
	Name         string          `json:"name"`
	Doc          string          `json:"doc"`
	RotateBefore *string         `json:"rotate_before"`
	Static       bool            `json:"static"`
	Attributes   []AttributeJSON `json:"attributes"`
	Blocks       []BlockJSON     `json:"blocks"`
	Outputs      []OutputJSON    `json:"outputs"`
	// Errors are what refusals mean, of a described upstream; Hosts those that get secrets.
	Errors []ErrorJSON       `json:"errors"`
	Hosts  []DestinationJSON `json:"hosts"`
}

// BlockJSON is a nested block.
type BlockJSON struct {
	Type       string          `json:"type"`
	Doc        string          `json:"doc"`
	Attributes []AttributeJSON `json:"attributes"`
}

// AttributeJSON is one attribute.
type AttributeJSON struct {
	Name      string   `json:"name"`
	Type      string   `json:"type"`
	Required  bool     `json:"required"`
	Sensitive bool     `json:"sensitive"`
	Default   string   `json:"default"`
	OneOf     []string `json:"one_of"`
	Doc       string   `json:"doc"`
}

// OutputJSON is one output of a token.
type OutputJSON struct {
	Name      string `json:"name"`
	Type      string `json:"type"`
	Sensitive bool   `json:"sensitive"`
	// Delivered says that it is delivered where data does not choose.
	Delivered bool   `json:"delivered_by_default"`
	Doc       string `json:"doc"`
}

// ProvidersJSON returns the tables of providers for programs.
func ProvidersJSON(specs []*providers.Spec) []ProviderJSON {
	list := []ProviderJSON{}
	for _, s := range specs {
		p := ProviderJSON{
			Name:       s.Name,
			Doc:        s.Doc,
			Static:     s.Static,
			Attributes: attributesJSON(s.Attributes),
			Blocks:     []BlockJSON{},
			Errors:     errorsJSON(s),
			Hosts:      destinationsJSON(s),
		}
		if s.RotateBefore != "" {
			p.RotateBefore = &s.RotateBefore
		}
		for _, b := range s.Blocks {
			p.Blocks = append(p.Blocks, BlockJSON{Type: b.Type, Doc: b.Doc, Attributes: attributesJSON(b.Attributes)})
		}
		for _, o := range s.Outputs {
			p.Outputs = append(
				p.Outputs,
				OutputJSON{
					Name:      o.Name,
					Type:      typeName(o.Type),
					Sensitive: o.Sensitive,
					Delivered: !o.Withheld,
					Doc:       o.Doc,
				},
			)
		}
		list = append(list, p)
	}
	return list
}

func attributesJSON(attributes []schema.Attribute) []AttributeJSON {
	list := []AttributeJSON{}
	for _, a := range attributes {
		value := ""
		if !a.Required {
			value = strings.Trim(defaultOf(a), "`")
		}
		list = append(list, AttributeJSON{
			Name: a.Name, Type: typeName(a.Type), Required: a.Required, Sensitive: a.Sensitive,
			Default: value, OneOf: append([]string{}, a.OneOf...), Doc: a.Doc,
		})
	}
	return list
}

// FirstSentence returns the first sentence of a documentation text, without the marks of
// Markdown.
func FirstSentence(doc string) string {
	first, _, _ := strings.Cut(doc, ". ")
	return strings.ReplaceAll(strings.TrimSuffix(first, "."), "`", "")
}
