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
	if v.block != nil {
		if i := slices.IndexFunc(v.block.Attributes, func(a Attribute) bool { return a.Sensitive }); i >= 0 {
			return nil, fmt.Errorf("schema: attribute %q is sensitive and cannot be encoded", v.block.Attributes[i].Name)
		}
	}
	set, err := v.encodeAttributes(func(a Attribute) bool { return !a.Deferred })
	if err != nil {
		return nil, err
	}
	return json.Marshal(set)
}

// encodeAttributes encodes the attributes that are set and wanted. The errors quote no
// value.
func (v Values) encodeAttributes(wanted func(Attribute) bool) (map[string]json.RawMessage, error) {
	set := make(map[string]json.RawMessage)
	if v.block == nil {
		return set, nil
	}
	for i, a := range v.block.Attributes {
		value := v.RawAt(i)
		if value.IsNull() || !wanted(a) {
			continue
		}
		b, err := ctyjson.Marshal(value, a.Type)
		if err != nil {
			return nil, fmt.Errorf("the value of the attribute %q cannot be encoded", a.Name)
		}
		set[a.Name] = b
	}
	return set, nil
}

// DecodeValues reads what Encode wrote, by the same table. Attributes that the
// table no longer has are ignored.
func DecodeValues(block *Block, b []byte) (Values, error) {
	return decodeValues(block, b, anyAttribute)
}

// decodeValues is DecodeValues for some of the attributes; the others count as not set.
func decodeValues(block *Block, b []byte, wanted func(Attribute) bool) (Values, error) {
	var set map[string]json.RawMessage
	if err := json.Unmarshal(b, &set); err != nil {
		return Values{}, fmt.Errorf("decode the values of a %s block: %w", block.Type, err)
	}
	attrs, err := decodeAttributes(block, set, wanted)
	if err != nil {
		return Values{}, err
	}
	return NewValues(block, "", attrs, nil), nil
}

// decodeAttributes decodes the wanted attributes that a table still has. The errors quote no
// value.
func decodeAttributes(
	block *Block, set map[string]json.RawMessage, wanted func(Attribute) bool,
) (map[string]cty.Value, error) {
	attrs := make(map[string]cty.Value, len(set))
	for _, a := range block.Attributes {
		raw, ok := set[a.Name]
		if !ok || !wanted(a) {
			continue
		}
		val, err := ctyjson.Unmarshal(raw, a.Type)
		if err != nil {
			return nil, fmt.Errorf("the value that was kept of the attribute %q of a %s block is not a %s", a.Name, block.Type, a.Type.FriendlyName())
		}
		attrs[a.Name] = val
	}
	return attrs, nil
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
