package sinks

import (
	"bytes"
	"encoding/json"

	"github.com/credsync/credsync/credential"
)

// SecretsOfJSON turns the values of a JSON object, which anyone may have written,
// into secrets: a string as it is, anything else as compact JSON. Nulls are
// left out.
func SecretsOfJSON(object map[string]json.RawMessage) map[string]credential.Secret {
	out := make(map[string]credential.Secret, len(object))
	for key, raw := range object {
		var s *string
		if json.Unmarshal(raw, &s) != nil {
			var compact bytes.Buffer
			_ = json.Compact(&compact, raw)
			out[key] = credential.NewSecret(compact.String())
		} else if s != nil {
			out[key] = credential.NewSecret(*s)
		}
	}
	return out
}
