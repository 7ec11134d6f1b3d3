package file

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/inputtext"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
)

// The words of the attribute format.
const (
	formatJSON   = "json"
	formatDotenv = "dotenv"
	formatRaw    = "raw"
)

// document is a file's content, decoded as far as it must be to keep what is
// merged with as it was.
type document interface {
	data() map[string]credential.Secret
	set(map[string]credential.Secret) error
	remove(keys []string)
	bytes() ([]byte, error)
}

func formatOf(v schema.Values) string {
	if !has(v, "format") {
		return formatJSON
	}
	return v.String("format")
}

func emptyDocument(t sinks.Target) (document, error) {
	switch formatOf(t.Options) {
	case formatDotenv:
		return &dotenvDocument{}, nil
	case formatRaw:
		if t.Merge {
			return nil, fmt.Errorf("%w: a file of format \"raw\" holds one value, so nothing can be merged into it; remove merge, or choose another format", sinks.ErrUnsupported)
		}
		return &rawDocument{}, nil
	}
	return jsonDocument{}, nil
}

// decode reads a file's content. Its errors do not quote the content.
func decode(v schema.Values, content []byte) (document, error) {
	content, err := decrypt(v, content)
	if err != nil {
		return nil, err
	}
	if isData(v) {
		return decodeData(v, content)
	}
	var doc document
	switch formatOf(v) {
	case formatDotenv:
		doc, err = parseDotenv(content)
	case formatRaw:
		return &rawDocument{key: "value", value: credential.NewSecret(string(content))}, nil
	default:
		doc, err = parseJSON(content)
	}
	if err != nil {
		return nil, malformed{err}
	}
	return doc, nil
}

func isData(v schema.Values) bool { return v.Block() != nil && v.Block().Type == "data" }

// decodeData is decode for inputs, whose values will be sent: what another reader
// would understand otherwise is refused.
func decodeData(v schema.Values, content []byte) (document, error) {
	text, err := inputtext.Decode(content)
	if err != nil {
		return nil, malformed{fmt.Errorf("it %w", err)}
	}
	var doc document
	if formatOf(v) == formatDotenv {
		if doc, err = parseDotenv([]byte(text)); err == nil {
			err = doc.(*dotenvDocument).checkExpansion()
		}
	} else {
		doc, err = parseJSON([]byte(text))
	}
	if err != nil {
		return nil, malformed{err}
	}
	return doc, nil
}

// malformed is an error about a file's content; its text says enough.
type malformed struct{ error }

func (malformed) Is(target error) bool { return target == sinks.ErrMalformed }

func encode(v schema.Values, doc document) ([]byte, error) {
	content, err := doc.bytes()
	if err != nil {
		return nil, err
	}
	return encrypt(v, content)
}

// jsonDocument keeps the values of others as they are written.
type jsonDocument map[string]json.RawMessage

func parseJSON(content []byte) (document, error) {
	doc := jsonDocument{}
	// The decoder's own errors quote what they stumbled over.
	if err := json.Unmarshal(content, &doc); err != nil || doc == nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, fmt.Errorf("it is not valid JSON at byte %d", syntax.Offset)
		}
		return nil, errors.New("it is not a JSON object")
	}
	return doc, nil
}

func (d jsonDocument) data() map[string]credential.Secret { return sinks.SecretsOfJSON(d) }

func (d jsonDocument) set(data map[string]credential.Secret) error {
	for _, key := range slices.Sorted(maps.Keys(data)) {
		raw, err := jsonString(data[key].Reveal())
		if err != nil || !utf8.ValidString(key) {
			return fmt.Errorf("%w: key %q or its value is not UTF-8, so it cannot be written as JSON; use base64encode()", sinks.ErrUnsupported, key)
		}
		d[key] = raw
	}
	return nil
}

var errNotUTF8 = errors.New("not UTF-8")

// jsonString encodes a string. encoding/json would replace what is not UTF-8
// and so store another value than was given.
func jsonString(s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, errNotUTF8
	}
	return marshal(s, "")
}

func (d jsonDocument) remove(keys []string) {
	for _, key := range keys {
		delete(d, key)
	}
}

func (d jsonDocument) bytes() ([]byte, error) {
	content, err := marshal(map[string]json.RawMessage(d), "  ")
	if err != nil {
		return nil, errors.New("it cannot be written as JSON")
	}
	return append(content, '\n'), nil
}

// marshal is json.Marshal that leaves <, > and & readable.
func marshal(v any, indent string) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// checkKeys is the Spec's.
func checkKeys(deliver schema.Values, keys []string, _ bool) error {
	switch deliver.String("format") {
	case formatRaw:
		return checkRawKeys(keys)
	case formatDotenv:
		for _, key := range keys {
			if err := checkDotenvKey(key); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkRawKeys(keys []string) error {
	if len(keys) != 1 {
		return fmt.Errorf("a file of format \"raw\" holds one value, but data has the keys %q; keep one key in data = { … }, or choose another format", keys)
	}
	return nil
}

// rawDocument is one value with nothing around it.
type rawDocument struct {
	key   string
	value credential.Secret
}

func (d *rawDocument) data() map[string]credential.Secret {
	return map[string]credential.Secret{d.key: d.value}
}

func (d *rawDocument) set(data map[string]credential.Secret) error {
	if err := checkRawKeys(slices.Sorted(maps.Keys(data))); err != nil {
		return fmt.Errorf("%w: %w", sinks.ErrUnsupported, err)
	}
	for key, value := range data {
		d.key, d.value = key, value
	}
	return nil
}

func (d *rawDocument) remove([]string) {}

func (d *rawDocument) bytes() ([]byte, error) { return []byte(d.value.Reveal()), nil }
