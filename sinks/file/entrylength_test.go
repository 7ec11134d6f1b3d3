package file

import "testing"

// Where an entry of a dotenv file ends: at its line's end, or where its quotes close.
func TestWhereAnEntryEnds(t *testing.T) {
	for text, entry := range map[string]string{
		"a=1\nb=2\n":            "a=1\n",
		"a=1":                   "a=1",
		"a=\n":                  "a=\n",
		"# a comment\na=1\n":    "# a comment\n",
		"a=\"x\ny\"\nb=2\n":     "a=\"x\ny\"\n",
		"a='x\ny' # c\nb=2\n":   "a='x\ny' # c\n",
		"a=\"x\\\"y\nz\"\nb=2":  "a=\"x\\\"y\nz\"\n",
		"a='x\\'y\nz'\nb=2":     "a='x\\'y\nz'\n",
		"a=\"it's\nx\"\nb=2":    "a=\"it's\nx\"\n",
		"a=\"never closed\nb=2": "a=\"never closed\nb=2",
		"a=\"\"\nb=2":           "a=\"\"\n",
		"\"x\ny\"\nb=2":         "\"x\n",
		"a=x\"y\nz\"":           "a=x\"y\n",
	} {
		if got := text[:entryLength(text)]; got != entry {
			t.Errorf("%q: the entry is %q, want %q", text, got, entry)
		}
	}
}
