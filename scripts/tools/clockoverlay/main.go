// Command clockoverlay writes what gives programs another clock while they are
// tested: a copy of the time package's Now that adds an offset, and the file
// for the go command's -overlay that puts it in place.
//
//	clockoverlay FOLDER
//
// Go programs ask the kernel for the time, with no C library in between that
// could be preloaded, and nobody should change a machine's clock for a test.
// Any program that is then built with GOFLAGS=-overlay=FOLDER/overlay.json is
// ahead by CREDSYNC_TEST_CLOCK_AHEAD seconds, which may be negative.
package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ahead is the file that is added to the package.
//
//go:embed ahead.go.txt
var ahead []byte

// The first lines of Now, and what they become. A clock of package
// testing/synctest is left alone.
const (
	before = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n\tif mono == 0 {\n"
	after  = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n" +
		"\tif !runtimeIsBubbled() {\n\t\tsec += testClockAhead\n\t}\n\tif mono == 0 {\n"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: clockoverlay FOLDER")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "clockoverlay:", err)
		os.Exit(1)
	}
}

func run(folder string) error {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("go env GOROOT: %w", err)
	}
	installed := filepath.Join(strings.TrimSpace(string(out)), "src", "time")
	source, err := os.ReadFile(filepath.Join(installed, "time.go"))
	if err != nil {
		return err
	}
	patched, err := patch(source)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(installed, "time.go"), err)
	}
	added := filepath.Join(installed, "testclockahead.go")
	if _, err := os.Stat(added); err == nil {
		return fmt.Errorf("there is a %s already", added)
	}
	replaced := map[string]string{
		filepath.Join(installed, "time.go"): filepath.Join(folder, "time.go"),
		added:                               filepath.Join(folder, "ahead.go"),
	}
	overlay, err := json.MarshalIndent(map[string]any{"Replace": replaced}, "", "\t")
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{"time.go": patched, "ahead.go": ahead, "overlay.json": overlay} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// patch changes Now. It would rather fail than leave a clock right that is
// believed to be shifted.
func patch(source []byte) ([]byte, error) {
	if n := bytes.Count(source, []byte(before)); n != 1 {
		return nil, fmt.Errorf("this version of Go has another time.Now than is known here: "+
			"its first lines are there %d times, not once; adapt scripts/tools/clockoverlay", n)
	}
	for _, needed := range []string{
		"func runtimeIsBubbled() bool", "func Since(t Time) Duration {", "func Until(t Time) Duration {",
	} {
		if !bytes.Contains(source, []byte("\n"+needed+"\n")) {
			return nil, fmt.Errorf("this version of Go has no %q; adapt scripts/tools/clockoverlay", needed)
		}
	}
	// What reads the runtime's clock besides would be right while Now is not.
	if n := bytes.Count(source, []byte("runtimeNow()")) - bytes.Count(source, []byte("func runtimeNow()")); n != 1 {
		return nil, fmt.Errorf("the wall clock is read in %d places, not only in Now; adapt scripts/tools/clockoverlay", n)
	}
	patched := bytes.Replace(source, []byte(before), []byte(after), 1)
	if _, err := parser.ParseFile(token.NewFileSet(), "time.go", patched, 0); err != nil {
		return nil, errors.Join(errors.New("the patch does not parse"), err)
	}
	return patched, nil
}
