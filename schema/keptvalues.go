package schema

import (
	"encoding/json"
	"errors"

	"github.com/credsync/credsync/credential"
)

// keptValues is the form of values that are kept for when the block has gone from the
// configuration.
type keptValues struct {
	Attributes map[string]json.RawMessage `json:"attributes,omitempty"`
	Blocks     map[string][]keptValues    `json:"blocks,omitempty"`
	Label      string                     `json:"label,omitempty"`
}

// Keep encodes the values of those attributes that wanted names, and all nested blocks, so
// that Kept can read them again. It fails where one of them is unknown.
func (v Values) Keep(wanted func(attribute string) bool) (credential.Secret, error) {
	kept, err := v.kept(func(a Attribute) bool { return wanted(a.Name) })
	if err != nil {
		return credential.Secret{}, err
	}
	text, err := json.Marshal(kept)
	if err != nil {
		return credential.Secret{}, errors.New("the values cannot be encoded")
	}
	return credential.NewSecret(string(text)), nil
}

func (v Values) kept(wanted func(Attribute) bool) (kept keptValues, err error) {
	kept = keptValues{Blocks: map[string][]keptValues{}, Label: v.label}
	if kept.Attributes, err = v.encodeAttributes(wanted); err != nil {
		return kept, err
	}
	for name, blocks := range v.nested {
		for _, b := range blocks {
			inner, err := b.kept(anyAttribute)
			if err != nil {
				return kept, err
			}
			kept.Blocks[name] = append(kept.Blocks[name], inner)
		}
	}
	return kept, nil
}

// Kept reads what Keep has encoded, by a table that may have changed since: what it no
// longer has is left out. The error says which value no longer fits, and not what it is.
func Kept(block *Block, text credential.Secret) (Values, error) {
	var kept keptValues
	if json.Unmarshal([]byte(text.Reveal()), &kept) != nil {
		return Values{}, errors.New("the values that were kept cannot be decoded")
	}
	return kept.values(block)
}

func (k keptValues) values(block *Block) (Values, error) {
	attrs, err := decodeAttributes(block, k.Attributes, anyAttribute)
	if err != nil {
		return Values{}, err
	}
	nested := map[string][]Values{}
	for i := range block.Blocks {
		inner := &block.Blocks[i].Block
		for _, kept := range k.Blocks[inner.Type] {
			v, err := kept.values(inner)
			if err != nil {
				return Values{}, err
			}
			nested[inner.Type] = append(nested[inner.Type], v)
		}
	}
	return NewValues(block, k.Label, attrs, nested), nil
}

func anyAttribute(Attribute) bool { return true }
