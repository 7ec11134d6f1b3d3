package file

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/sinks"
	"github.com/joho/godotenv"
)

var (
	dotenvKey = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`) })
	// plainValue needs no quotes in any reader, "docker run --env-file"
	// included, which does not know quotes.
	plainValue = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_./:@%+,=-]*$`) })
	doubleable = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`")
	assignment = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.]*)[ \t]*[=:][ \t]*`)
	})
)

// dotenvDocument is a file of KEY=value lines. Lines of others are kept with
// their comments, order and quoting.
type dotenvDocument struct {
	entries []dotenvEntry
}

type dotenvEntry struct {
	// key is "" for a comment or an empty line.
	key  string
	text string
	// value is what a dotenv reader sees.
	value credential.Secret
}

func parseDotenv(content []byte) (document, error) {
	values, err := unmarshalDotenv(content)
	if err != nil {
		return nil, err
	}
	doc := &dotenvDocument{}
	for rest := string(content); rest != ""; {
		n := entryLength(rest)
		e := dotenvEntry{text: rest[:n]}
		if m := assignment().FindStringSubmatch(e.text); m != nil {
			e.key = m[1]
			e.value = credential.NewSecret(values[e.key])
		}
		doc.entries = append(doc.entries, e)
		rest = rest[n:]
	}
	if got := doc.keys(); !slices.Equal(got, slices.Sorted(maps.Keys(values))) {
		return nil, errors.New("it has lines that are not KEY=value")
	}
	return doc, nil
}

// unmarshalDotenv parses as dotenv readers do. The parser's errors quote
// values, so they are not passed on.
func unmarshalDotenv(content []byte) (map[string]string, error) {
	if bytes.IndexByte(content, 0) >= 0 {
		return nil, errors.New("it contains a NUL byte, so it is not a dotenv file")
	}
	values, err := godotenv.UnmarshalBytes(content)
	if err != nil {
		return nil, errors.New("it is not a valid dotenv file: write lines of KEY=value, and close every quote")
	}
	return values, nil
}

// expansion is what readers of dotenv files put something else in place of, each in
// its own way: $NAME, ${NAME} or $(command), except for what a backslash precedes.
var expansion = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?:^|[^\\])\$[A-Za-z0-9_{(]`) })

// checkExpansion refuses values that are not what is written: a password with a
// dollar sign in it would have lost a part.
func (d *dotenvDocument) checkExpansion() error {
	for _, e := range d.entries {
		value := strings.TrimPrefix(e.text, assignment().FindString(e.text))
		if e.key == "" || strings.HasPrefix(value, "'") {
			continue
		}
		if !strings.HasPrefix(value, `"`) {
			value, _, _ = strings.Cut(value, " #") // a comment
		}
		if expansion().MatchString(value) {
			return fmt.Errorf("the value of %s contains a \"$\", which dotenv libraries expand as a variable: put the value in single quotes, as in %s='…'", e.key, e.key)
		}
	}
	return nil
}

// entryLength is the length of the first line, or of as many as a quoted value
// goes over, with the line end.
func entryLength(text string) int {
	from := 0
	if head := assignment().FindString(text); head != "" && len(head) < len(text) {
		if quote := text[len(head)]; quote == '"' || quote == '\'' {
			from = len(head) + quotedLength(text[len(head):], quote)
		}
	}
	if i := strings.IndexByte(text[from:], '\n'); i >= 0 {
		return from + i + 1
	}
	return len(text)
}

// quotedLength is where a value that begins with a quote ends, by the parser's
// rule that a backslash before the quote, even in single ones, goes on.
func quotedLength(text string, quote byte) int {
	for i := 1; i < len(text); i++ {
		if text[i] == quote && text[i-1] != '\\' {
			return i + 1
		}
	}
	return len(text)
}

func (d *dotenvDocument) keys() []string {
	seen := map[string]bool{}
	for _, e := range d.entries {
		if e.key != "" {
			seen[e.key] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

func (d *dotenvDocument) data() map[string]credential.Secret {
	out := map[string]credential.Secret{}
	for _, e := range d.entries {
		if e.key != "" {
			out[e.key] = e.value
		}
	}
	return out
}

func (d *dotenvDocument) remove(keys []string) {
	d.entries = slices.DeleteFunc(d.entries, func(e dotenvEntry) bool {
		return e.key != "" && slices.Contains(keys, e.key)
	})
}

// set writes a key where it stood, or at the end.
func (d *dotenvDocument) set(data map[string]credential.Secret) error {
	for _, key := range slices.Sorted(maps.Keys(data)) {
		text, err := dotenvLine(key, data[key].Reveal())
		if err != nil {
			return err
		}
		entry := dotenvEntry{key: key, text: text, value: data[key]}
		at := slices.IndexFunc(d.entries, func(e dotenvEntry) bool { return e.key == key })
		d.remove([]string{key})
		if at < 0 {
			at = len(d.entries)
			if at > 0 && !strings.HasSuffix(d.entries[at-1].text, "\n") {
				d.entries[at-1].text += "\n"
			}
		}
		d.entries = slices.Insert(d.entries, at, entry)
	}
	return nil
}

// bytes joins the lines, and checks that a reader gets every value back.
func (d *dotenvDocument) bytes() ([]byte, error) {
	var b bytes.Buffer
	for _, e := range d.entries {
		b.WriteString(e.text)
	}
	values, err := unmarshalDotenv(b.Bytes())
	if err != nil {
		return nil, err
	}
	want := d.data()
	if len(values) != len(want) {
		return nil, fmt.Errorf("%w: its lines could not be read back once written", sinks.ErrUnsupported)
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if values[key] != want[key].Reveal() {
			return nil, fmt.Errorf("%w: the value of %s in the file refers to another line, which credsync would change; write the value without $", sinks.ErrUnsupported, key)
		}
	}
	return b.Bytes(), nil
}

func checkDotenvKey(key string) error {
	if !dotenvKey().MatchString(key) {
		return fmt.Errorf("%q cannot be a name in a dotenv file: use a key of letters, digits and _ in data = { … }, not beginning with a digit", key)
	}
	return nil
}

// dotenvLine writes one value so that a POSIX shell and dotenv libraries read
// the same bytes back: plain if it can be, else in single quotes, else in
// double ones. A few values have no such form: what has a carriage return
// before a newline, or ends in a backslash.
func dotenvLine(key, value string) (string, error) {
	if err := checkDotenvKey(key); err != nil {
		return "", fmt.Errorf("%w: %w", sinks.ErrUnsupported, err)
	}
	forms := []string{"'" + value + "'", `"` + doubleable.Replace(value) + `"`}
	switch {
	case plainValue().MatchString(value):
		forms = []string{value}
	case strings.Contains(value, "'"):
		forms = forms[1:]
	}
	for _, form := range forms {
		line := key + "=" + form + "\n"
		got, err := unmarshalDotenv([]byte(line))
		if err == nil && len(got) == 1 && got[key] == value {
			return line, nil
		}
	}
	return "", fmt.Errorf("%w: the value of %s contains characters that shells and dotenv libraries read differently; set format = \"json\", or use base64encode()", sinks.ErrUnsupported, key)
}
