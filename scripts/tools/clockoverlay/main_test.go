package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A program whose environment has the offset is ahead, and so is one that it
// starts with an empty environment. A fake clock is not.
func TestProgramsAreAhead(t *testing.T) {
	dir := t.TempDir()
	if err := run(dir); err != nil {
		t.Fatal(err)
	}
	source := `package main

import (
	"fmt"
	"os"
	"os/exec"
	"time"
)

func main() {
	begun := time.Now()
	fmt.Println(begun.Unix())
	if d := time.Since(begun); d < 0 || d > time.Hour {
		fmt.Println("a negative time has passed:", d)
	}
	if d := time.Until(begun.Round(0).Add(time.Minute)); d < 0 || d > time.Minute {
		fmt.Println("there is no minute to come:", d)
	}
	if len(os.Args) > 1 {
		return
	}
	child := exec.Command(os.Args[0], "child")
	child.Env = []string{}
	child.Stdout = os.Stdout
	if err := child.Run(); err != nil {
		fmt.Println(err)
	}
}
`
	file, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", program, file)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, ahead := range []int64{0, 86400 * 365, -86400} {
		cmd := exec.Command(program)
		cmd.Env = []string{"CREDSYNC_TEST_CLOCK_AHEAD=" + strconv.FormatInt(ahead, 10)}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		lines := strings.Fields(string(out))
		if len(lines) != 2 {
			t.Fatalf("got %s", out)
		}
		for _, line := range lines {
			n, err := strconv.ParseInt(line, 10, 64)
			if off := n - time.Now().Unix() - ahead; err != nil || off < -60 || off > 60 {
				t.Errorf("%d seconds ahead: off by %d seconds, %v", ahead, off, err)
			}
		}
	}
}

func TestAnotherTimePackageIsRefused(t *testing.T) {
	good := "package time\n" + before + "\t}\n}\n\nfunc Since(t Time) Duration {\n}\n\n" +
		"func Until(t Time) Duration {\n}\n\nfunc runtimeIsBubbled() bool\n"
	if _, err := patch([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, source := range map[string]string{
		"Now has changed":      strings.Replace(good, "runtimeNow()", "runtimeNow2()", 1),
		"Now is there twice":   good + before + "\t}\n}\n",
		"no bubbles":           strings.Replace(good, "runtimeIsBubbled", "runtimeIsFaked", 1),
		"Until is gone":        strings.Replace(good, "func Until", "func UntilNow", 1),
		"another clock reader": good + "\nfunc today() {\n\trunTime, _, _ := runtimeNow()\n}\n",
		"no Go":                strings.Replace(good, "package time", "package", 1),
	} {
		if _, err := patch([]byte(source)); err == nil {
			t.Errorf("%s: it was patched all the same", name)
		}
	}
}
