package state

import (
	"fmt"

	"github.com/credsync/credsync/credential"
)

// secretKey marks an output that is itself a secret: {"$secret": "…"}.
const secretKey = "$secret"

func encodeOutputs(o credential.Outputs) (map[string]any, error) {
	if err := o.Check(); err != nil {
		return nil, fmt.Errorf("encode a state record: %w", err)
	}
	m := make(map[string]any, len(o))
	for name, v := range o {
		switch v := v.(type) {
		case nil:
		case credential.Secret:
			m[name] = map[string]string{secretKey: v.Reveal()}
		default:
			m[name] = v
		}
	}
	return m, nil
}

func decodeOutputs(m map[string]any) (credential.Outputs, error) {
	o := make(credential.Outputs, len(m))
	for name, v := range m {
		decoded, ok := decodeOutput(v)
		if !ok {
			return nil, fmt.Errorf("%w: output %q has a type that outputs cannot have", ErrCorrupt, name)
		}
		o[name] = decoded
	}
	return o, nil
}

func decodeOutput(v any) (any, bool) {
	switch v := v.(type) {
	case string, bool:
		return v, true
	case map[string]any:
		s, ok := v[secretKey].(string)
		return credential.NewSecret(s), ok
	case []any:
		return decodeList(v)
	}
	return nil, false
}

func decodeList(list []any) (any, bool) {
	var texts []string
	var objects []map[string]string
	for _, e := range list {
		switch e := e.(type) {
		case string:
			texts = append(texts, e)
		case map[string]any:
			object := make(map[string]string, len(e))
			for k, v := range e {
				s, ok := v.(string)
				if !ok {
					return nil, false
				}
				object[k] = s
			}
			objects = append(objects, object)
		default:
			return nil, false
		}
	}
	switch {
	case texts != nil && objects != nil:
		return nil, false
	case objects != nil:
		return objects, true
	case texts == nil:
		return []string{}, true
	}
	return texts, true
}
