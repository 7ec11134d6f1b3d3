package crash

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
)

// storage is where the state and the targets are: one target of the account's
// own, and one that has a key of someone else.
type storage interface {
	name() string
	// blocks are the sink and the state; deliver the two deliver blocks.
	blocks() string
	deliver() string
	env() []string
	// begin clears the place and puts someone else's key there.
	begin(*world)
	// record is the account's record; "" for none. own and shared are what the
	// targets hold; empty where there is nothing.
	record(*world) string
	own(*world) map[string]string
	shared(*world) map[string]string
	// drift deletes the one and changes the other.
	drift(*world)
}

// fileStorage are the default: everything is beside the configuration.
type fileStorage struct{}

func (fileStorage) name() string   { return "files" }
func (fileStorage) env() []string  { return nil }
func (fileStorage) blocks() string { return "sink \"file\" \"out\" {\n  dir = \"out\"\n}\n" }

func (fileStorage) deliver() string {
	return `
  deliver "file" "out" {
    path = "own.json"
  }
  deliver "file" "out" {
    path   = "shared.env"
    format = "dotenv"
    merge  = true
    adopt  = true
    data   = { TOKEN = token.access_token }
  }`
}

func (fileStorage) begin(w *world) { w.write("out/shared.env", "OTHER=1\n") }

func (fileStorage) drift(w *world) {
	if err := os.Remove(filepath.Join(w.dir, "out", "own.json")); err != nil {
		w.t.Fatal(err)
	}
	w.write("out/shared.env", "OTHER=1\nTOKEN=someone\n")
}

func (fileStorage) record(w *world) string {
	names, err := filepath.Glob(filepath.Join(w.dir, ".credsync", "*.json"))
	if err != nil || len(names) > 1 {
		w.t.Fatalf("the state has %q %v", names, err)
	}
	if len(names) == 0 {
		return ""
	}
	return w.object(strings.TrimPrefix(names[0], w.dir))["record"]
}

func (fileStorage) own(w *world) map[string]string { return w.object("out/own.json") }

func (fileStorage) shared(w *world) map[string]string {
	values := map[string]string{}
	for line := range strings.Lines(w.read("out/shared.env")) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		values[key] = strings.Trim(value, `"'`)
	}
	return values
}

// object reads a JSON object of strings; empty where there is no file.
func (w *world) object(name string) map[string]string {
	values := map[string]string{}
	if text := w.read(name); text != "" {
		if err := json.Unmarshal([]byte(text), &values); err != nil {
			w.t.Fatalf("%s: %v", name, err)
		}
	}
	return values
}
