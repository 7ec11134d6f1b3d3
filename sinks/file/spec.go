// Package file is the sink that writes to files: the one that works with
// nothing else installed, and the default place of the state.
//
// Writes are atomic and durable: a temporary file in the same directory, which is
// given its final owner and mode before the first byte, is flushed and then renamed
// over the target, or linked where nothing may be there. A version is a hash of the
// file's content, so it belongs in the state, which holds the content itself, and
// nowhere else.
//
// Writers exclude each other with flock(2) on the directory that holds the
// target. So there are no lock files, and a killed process leaves no lock.
// A program that does not take that lock can still slip in between the last
// look at an existing file and the rename; it cannot when a file is created.
package file

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/zclconf/go-cty/cty"
)

// Spec describes the sink to the registry.
func Spec() *sinks.Spec {
	return &sinks.Spec{
		Type: "file",
		Doc: "Files in a directory on this machine. Files are replaced atomically. A new file is readable by its owner only. A replaced file keeps " +
			"its owner, group and mode unless `mode`, `owner` or `group` is set. credsync does not overwrite a file that is not in its state, unless `adopt` is set.",
		Connection: schema.Block{
			Type: "sink", Labels: []string{"file", "name"},
			Attributes: []schema.Attribute{{
				Name: "dir", Type: cty.String, Default: cty.StringVal("."), Check: notEmpty,
				Doc: "The directory that all paths are relative to. It is created with mode 0700 if it is missing. " +
					"A relative path starts at the configuration's directory. credsync reads and writes nothing outside it, even through symbolic links.",
			}},
		},
		Deliver: deliverBlock(),
		State:   stateBlock(),
		Data: schema.Block{Type: "data", Labels: []string{"file", "name"}, Attributes: []schema.Attribute{
			pathAttribute("The file to read, relative to `dir`."),
			{
				Name: "format", Type: cty.String, Default: cty.StringVal(formatJSON), OneOf: []string{formatJSON, formatDotenv},
				Doc: "`json`: an object; values that are not strings are read as JSON text. `dotenv`: lines of `KEY=value`.",
			},
		}},
		Target:    target,
		Record:    record,
		Source:    target,
		Tree:      true,
		CheckKeys: checkKeys,
		New:       open,
	}
}

func deliverBlock() schema.Block {
	return schema.Block{Type: "deliver", Labels: []string{"file", "name"}, Attributes: []schema.Attribute{
		pathAttribute("The file to write, relative to `dir`. Missing directories are created with mode 0700."),
		{
			Name: "mode", Type: cty.String, DefaultText: "`0600`; a replaced file keeps its mode", Check: checkMode, Effect: schema.ShapesTarget,
			Doc: "The file's permissions, in octal.",
		},
		{
			Name: "owner", Type: cty.String, DefaultText: "the user who runs credsync; a replaced file keeps its owner", Check: checkAccount, Effect: schema.ShapesTarget,
			Doc: "The user to give the file to, by name or numeric id. As with `chown`, only root may give files to others.",
		},
		{
			Name: "group", Type: cty.String, DefaultText: "the group of the user who runs credsync; a replaced file keeps its group", Check: checkAccount, Effect: schema.ShapesTarget,
			Doc: "The group to give the file to, by name or numeric id. Unless credsync runs as root, its user must be a member of the group.",
		},
		{
			Name: "format", Type: cty.String, Default: cty.StringVal(formatJSON),
			OneOf:  []string{formatJSON, formatDotenv, formatRaw},
			Effect: schema.ShapesTarget,
			Doc: "`json`: an object of strings. `dotenv`: lines of `KEY=value` that shells and dotenv libraries read the same way. " +
				"`raw`: the value of the only key, with nothing added.",
		},
	}}
}

func stateBlock() schema.Block {
	return schema.Block{
		Type: "state", Labels: []string{"file", "name"},
		Attributes: []schema.Attribute{
			{
				Name: "path", Type: cty.String, Default: cty.StringVal(".credsync"), Check: notEmpty,
				Doc: "The directory of the state's files, relative to the sink's `dir`.",
			},
			{
				Name: "age_recipient", Type: cty.String,
				Doc: "The age public key (`age1…`) to encrypt the state's files to, or several keys, one per line. Needs `age_identity`.",
			},
			{
				Name: "age_identity", Type: cty.String, Sensitive: true, Text: schema.Document,
				Doc: "The age secret key (`AGE-SECRET-KEY-…`) that decrypts the state's files.",
			},
		},
		Check: checkAge,
	}
}

func pathAttribute(doc string) schema.Attribute {
	return schema.Attribute{Name: "path", Type: cty.String, Required: true, Check: notEmpty, Doc: doc}
}

func notEmpty(v cty.Value) error {
	if strings.TrimSpace(v.AsString()) == "" {
		return errors.New("it must not be empty")
	}
	return nil
}

// target makes the target of a deliver or data block.
func target(conn, v schema.Values) (sinks.Target, error) {
	if strings.HasSuffix(v.String("path"), "/") {
		return sinks.Target{}, fmt.Errorf("path: %q ends with a slash, so it is a directory; set it to a file", v.String("path"))
	}
	rel, err := relativeTo(conn.String("dir"), v.String("path"))
	if err != nil {
		return sinks.Target{}, err
	}
	if rel == "." {
		return sinks.Target{}, errors.New("path: it is the directory itself; set it to a file in the directory")
	}
	return newTarget(conn, v, rel), nil
}

// record makes the target of a state record. The name becomes a file name in
// which everything but small letters, digits and "._-" is written as %XX:
// capitals too, since on some file systems they are the same as small ones, and
// two accounts must never share a record.
func record(conn, v schema.Values, name string) (sinks.Target, error) {
	rel, err := relativeTo(conn.String("dir"), v.String("path"))
	if err != nil {
		return sinks.Target{}, err
	}
	if name != "" {
		rel = filepath.Join(rel, escape(name)+recordExt)
	}
	return newTarget(conn, v, rel), nil
}

func newTarget(conn, v schema.Values, rel string) sinks.Target {
	return sinks.Target{
		Path:     filepath.ToSlash(rel),
		Location: filepath.Join(conn.String("dir"), rel),
		Options:  v,
	}
}

// relativeTo returns path relative to dir, or an error if it leaves dir.
func relativeTo(dir, path string) (string, error) {
	if err := checkPath(path); err != nil {
		return "", err
	}
	rel := path
	if filepath.IsAbs(path) {
		var err error
		if rel, err = filepath.Rel(dir, path); err != nil {
			return "", fmt.Errorf("path: %q is absolute, but the sink's dir is %q: make path relative to dir, or set dir to an absolute path above it", path, dir)
		}
	}
	rel = filepath.Clean(rel)
	if !filepath.IsLocal(rel) {
		return "", fmt.Errorf("path: %q is outside the sink's dir %q: use a path below dir, or set dir to a directory that contains it", path, dir)
	}
	return rel, nil
}

// maxName is the most bytes that the common file systems take for a name.
const maxName = 255

// checkPath refuses what no file system takes, and what would not look in a
// message as it is.
func checkPath(path string) error {
	if strings.ContainsFunc(path, func(r rune) bool { return r != ' ' && !unicode.IsPrint(r) }) {
		return fmt.Errorf("path: %q contains unprintable characters, such as a line break", path)
	}
	for name := range strings.SplitSeq(filepath.ToSlash(path), "/") {
		switch {
		case len(name) > maxName:
			return fmt.Errorf("path: the name that begins with %q has %d bytes; most file systems allow %d", firstElement(name), len(name), maxName)
		case strings.HasPrefix(name, tempPrefix):
			return fmt.Errorf("path: names that begin with %q are reserved for temporary files", tempPrefix)
		}
	}
	if len(path) > maxPath {
		return fmt.Errorf("path: it has %d bytes; most systems allow fewer than %d", len(path), maxPath)
	}
	return nil
}

// maxPath is a little below the 4096 bytes of Linux, for dir comes before.
const maxPath = 3500

func firstElement(name string) string {
	runes := []rune(name)
	return string(runes[:min(20, len(runes))]) + "…"
}

// recordExt ends the name of every state file. It does not tell encrypted ones
// apart: a record must be found when encryption has been switched on since.
const recordExt = ".json"

func escape(name string) string {
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '_', c == '-', c == '.' && i > 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// has reports whether a target's block has that attribute. Blocks differ in
// which they have, and targets of tests may have none.
func has(v schema.Values, name string) bool {
	if v.Block() == nil {
		return false
	}
	_, ok := v.Block().Attribute(name)
	return ok
}
