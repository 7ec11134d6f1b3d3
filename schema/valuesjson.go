package schema

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// Encode writes the attributes that are set as JSON, for keeping a block's
// values after the block itself is gone. It fails for a table with a sensitive
// attribute, which nothing may keep, and for unknown values.
func (v Values) Encode() ([]byte, error) {
	set := make(map[string]json.RawMessage)
	if v.block == nil {
		return json.Marshal(set)
	}
	for _, a := range v.block.Attributes {
		if a.Sensitive {
			return nil, fmt.Errorf("schema: attribute %q is sensitive and cannot be encoded", a.Name)
		}
		if a.Deferred || !v.IsSet(a.Name) {
			continue
		}
		b, err := ctyjson.Marshal(v.Raw(a.Name), a.Type)
		if err != nil {
			return nil, fmt.Errorf("encode attribute %q: %w", a.Name, err)
		}
		set[a.Name] = b
	}
	return json.Marshal(set)
}

// DecodeValues reads what Encode wrote, by the same table. Attributes that the
// table no longer has are ignored.
func DecodeValues(block *Block, b []byte) (Values, error) {
	return decodeValues(block, b, func(Attribute) bool { return true })
}

// decodeValues is DecodeValues for some of the attributes; the others count as not set.
func decodeValues(block *Block, b []byte, wanted func(Attribute) bool) (Values, error) {
	var set map[string]json.RawMessage
	if err := json.Unmarshal(b, &set); err != nil {
		return Values{}, fmt.Errorf("decode the values of a %s block: %w", block.Type, err)
	}
	attrs := make(map[string]cty.Value, len(set))
	for _, a := range block.Attributes {
		raw, ok := set[a.Name]
		if !ok || !wanted(a) {
			continue
		}
		val, err := ctyjson.Unmarshal(raw, a.Type)
		if err != nil {
			return Values{}, fmt.Errorf("decode attribute %q of a %s block: %w", a.Name, block.Type, err)
		}
		attrs[a.Name] = val
	}
	return NewValues(block, "", attrs, nil), nil
}

// Differ reports whether an attribute that is wanted has another value than in what
// Encode wrote, by the same table.
func (v Values) Differ(b []byte, wanted func(Attribute) bool) (bool, error) {
	if v.block == nil || !slices.ContainsFunc(v.block.Attributes, wanted) {
		return false, nil
	}
	was, err := decodeValues(v.block, b, wanted)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(v.block.Attributes, func(a Attribute) bool {
		return wanted(a) && !was.Raw(a.Name).RawEquals(v.Raw(a.Name))
	}), nil
}
