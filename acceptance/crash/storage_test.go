package crash

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/credsync/credsync/state"
)

// storage is where the state and the targets are: one target of the account's
// own, and one that has a key of someone else.
type storage interface {
	name() string
	// sink and state are blocks, deliver the two deliver blocks.
	sink() string
	state() string
	deliver() string
	env() []string
	// begin clears the place and puts someone else's key there.
	begin(*world)
	// record is that of the account of a name; "" for none. own and shared are what the
	// targets hold, second what the second account's own does; empty where there is
	// nothing.
	record(w *world, name string) string
	own(*world) map[string]string
	shared(*world) map[string]string
	second(*world) map[string]string
	// drift deletes the one and changes the other.
	drift(*world)
}

// fileStorage are the default: everything is beside the configuration.
type fileStorage struct{}

func (fileStorage) name() string  { return "files" }
func (fileStorage) env() []string { return nil }
func (fileStorage) sink() string  { return "sink \"file\" \"out\" {\n  dir = \"out\"\n}\n" }
func (fileStorage) state() string { return "" }

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

func (fileStorage) record(w *world, name string) string {
	return w.object(filepath.Join(".credsync", recordOf(w, name)+".json"))["record"]
}

func (fileStorage) own(w *world) map[string]string    { return w.object("out/own.json") }
func (fileStorage) second(w *world) map[string]string { return w.object("out/second.json") }

func (fileStorage) shared(w *world) map[string]string {
	values := map[string]string{}
	for line := range strings.Lines(w.read("out/shared.env")) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		values[key] = strings.Trim(value, `"'`)
	}
	return values
}

// recordOf is the name of the record of the account of a name.
func recordOf(w *world, name string) string {
	return state.RecordName("default", "account."+w.p.address(name))
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
