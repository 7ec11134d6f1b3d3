//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/credsync/credsync/sandbox"
	"github.com/yuin/goldmark/ast"
	"mvdan.cc/sh/v3/syntax"
)

// A guide is run as its reader would follow it: files are written, commands
// are typed into a shell, and what they print is compared with what the guide
// shows. Its blocks are
//
//	```hcl main.hcl        a file, as are other blocks with a name of a file
//	```console exit=3      commands and what they print; the last one's exit code
//	```sh                  commands whose output is not shown
//	```sh elsewhere        commands that are not run
//
// A line "…" in the output stands for any number of lines. Times, durations
// and white space are not compared. What happens besides, such as time that
// passes, is in comments:
//
//	<!-- test:
//	advance 28d
//	types 123456
//	rm -r .credsync
//	-->
//
// Lines that begin with none of guide.words are shell. Accounts
// are given the sandbox's addresses, and the output the addresses of the real
// upstreams. With -update the guides are written again with the output.

// guidesDir holds the guides.
const guidesDir = "../../docs/guides"

// vaultGuides need a Vault; see TestGuidesWithVault.
var vaultGuides = []string{"adopting.md", "disaster-recovery.md", "migrating.md"}

func TestGuides(t *testing.T) {
	for _, name := range guideNames(t) {
		if !slices.Contains(vaultGuides, name) {
			t.Run(name, func(t *testing.T) { newGuide(t, name).run() })
		}
	}
}

func guideNames(t *testing.T) (names []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(guidesDir, "*.md"))
	if err != nil || len(paths) < 3 {
		t.Fatalf("guides %v, %v", paths, err)
	}
	for _, path := range paths {
		names = append(names, filepath.Base(path))
	}
	return names
}

// guide is one that is being followed.
type guide struct {
	t       *testing.T
	path    string
	dir     string // where its reader works
	home    string
	sandbox *sandbox.Sandbox
	env     map[string]string
	// real is what stands in for a host that the guide shows.
	real map[string]string
	// words are the commands of comments, besides shell.
	words map[string]func(args []string)
	// stdin is what the reader types next.
	stdin string
	clock clock
	shift time.Duration
	// part is the heading of the part that is followed; "" for the whole page.
	part string
	// during is called when a command has been started, with its process
	// group, and is then forgotten.
	during func(group int)
}

// upstreamHosts are the addresses of the providers that have a default.
var upstreamHosts = map[string]string{
	"sagi": "https://gateway.sagi.kz", "invoicebox": "https://api.invoicebox.ru", "bifit_kassa": "https://kassa.bifit.com/cashdesk-api/v1",
}

func newGuide(t *testing.T, name string) *guide {
	c := newClock()
	s := sandbox.New(sandbox.Options{Accounts: sandbox.DemoAccounts(), MaxHang: 5 * time.Second, Now: c.now})
	if err := s.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if v := s.Violations(); len(v) > 0 {
			t.Errorf("the sandbox saw protocol violations: %s", strings.Join(v, "; "))
		}
		_ = s.Close()
	})
	g := &guide{
		t: t, path: filepath.Join(guidesDir, name), dir: filepath.Join(t.TempDir(), "payments"), home: t.TempDir(), sandbox: s,
		env: map[string]string{}, real: map[string]string{}, clock: c,
	}
	if err := os.Mkdir(g.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for upstream, host := range upstreamHosts {
		g.real[host] = s.URL(upstream)
	}
	g.words = map[string]func([]string){
		"advance": g.advance,
		"skew":    func(args []string) { g.shift += g.duration(args[0]) },
		"types":   func(args []string) { g.stdin = strings.Join(args, " ") + "\n" },
		"types-code": func(args []string) {
			g.stdin = s.LastCode(args[0], args[1]) + "\n"
		},
		"password": func(args []string) {
			s.Update(args[0], args[1], func(a *sandbox.Account) { a.Password = args[2] })
		},
		"edit": func(args []string) {
			before, after, _ := strings.Cut(strings.Join(args[1:], " ")+" ", " -> ")
			g.edit(args[0], before, strings.ReplaceAll(strings.TrimSuffix(after, " "), `\n`, "\n"))
		},
		"cut-from": func(args []string) {
			from := strings.Join(args[1:], " ")
			_, tail, _ := strings.Cut(g.read(args[0]), from)
			g.edit(args[0], from+tail, "")
		},
		"revoke": func(args []string) { s.Revoke(args[0], args[1]) },
		"fault": func(args []string) {
			var f sandbox.Fault
			if err := json.Unmarshal([]byte(strings.Join(args, " ")), &f); err != nil {
				t.Fatal(err)
			}
			if err := s.AddFault(f); err != nil {
				t.Fatal(err)
			}
		},
		"clear": func([]string) { s.ClearFaults() },
		"logins": func(args []string) {
			if got := s.Counters(args[0], args[1]).Logins.Received; strconv.Itoa(got) != args[2] {
				t.Errorf("%d logins arrived, want %s", got, args[2])
			}
		},
	}
	return g
}

// advance DAYSd or a Go duration: moves the clocks of credsync and upstreams.
func (g *guide) advance(args []string) {
	d := g.duration(args[0])
	g.sandbox.Advance(d)
	g.shift += d
}

func (g *guide) duration(text string) time.Duration {
	scale := time.Duration(1)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		text, scale = days+"h", 24
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		g.t.Fatal(err)
	}
	return d * scale
}

func (g *guide) read(file string) string {
	content, err := os.ReadFile(filepath.Join(g.dir, file))
	if err != nil {
		g.t.Fatal(err)
	}
	return string(content)
}

// edit replaces what is in a file once.
func (g *guide) edit(file, before, after string) {
	content := g.read(file)
	if strings.Count(content, before) != 1 {
		g.t.Fatalf("%q is not in %s once:\n%s", before, file, content)
	}
	if err := os.WriteFile(filepath.Join(g.dir, file), []byte(strings.Replace(content, before, after, 1)),
		0o600); err != nil {
		g.t.Fatal(err)
	}
}

// replacement is a part of the guide that is written again.
type replacement struct {
	start, stop int
	text        string
}

func (g *guide) run() {
	src, err := os.ReadFile(g.path)
	if err != nil {
		g.t.Fatal(err)
	}
	var list []replacement
	commands := 0
	followed := g.part == ""
	newDocument(g.path, src).each(func(n ast.Node) {
		if g.t.Failed() && !*update {
			return // what follows would fail for no other reason
		}
		if h, ok := n.(*ast.Heading); ok && g.part != "" && h.Level <= 2 {
			followed = string(h.Lines().Value(src)) == g.part
		}
		if !followed {
			return
		}
		switch n := n.(type) {
		case *ast.HTMLBlock:
			html := string(n.Lines().Value(src))
			if n.HasClosure() {
				html += string(n.ClosureLine.Value(src))
			}
			g.comment(html)
		case *ast.FencedCodeBlock:
			content := string(n.Lines().Value(src))
			session, ran := g.block(string(n.Info.Segment.Value(src)), content)
			commands += ran
			if session != content {
				lines := n.Lines()
				list = append(list, replacement{lines.At(0).Start, lines.At(lines.Len() - 1).Stop, session})
			}
		}
	})
	if commands == 0 {
		g.t.Error("the guide has no commands")
	}
	if !*update || len(list) == 0 {
		return
	}
	slices.Reverse(list)
	for _, r := range list {
		src = slices.Concat(src[:r.start], []byte(r.text), src[r.stop:])
	}
	if err := os.WriteFile(g.path, src, 0o644); err != nil {
		g.t.Fatal(err)
	}
}

func (g *guide) comment(html string) {
	steps, ok := strings.CutPrefix(strings.TrimSpace(html), "<!-- test:")
	if !ok {
		return
	}
	for line := range strings.Lines(strings.TrimSuffix(steps, "-->")) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		args := strings.Fields(line)
		if word, ok := g.words[args[0]]; ok {
			word(args[1:])
			continue
		}
		if printed, code := g.shell(line); code != 0 {
			g.t.Fatalf("%s ended with %d:\n%s", line, code, printed)
		}
	}
}

// block does what a block of code says, and returns its content as it should
// be, and how many commands it had.
func (g *guide) block(info, content string) (want string, commands int) {
	language, argument, _ := strings.Cut(info, " ")
	switch {
	case argument == "elsewhere":
	case language == "sh" && argument == "":
		if printed, code := g.shell(content); code != 0 {
			g.t.Errorf("%s\nended with %d:\n%s", content, code, printed)
		}
		return content, 1
	case language == "console":
		return g.console(content, argument)
	case argument != "": // the name of a file
		if err := os.WriteFile(filepath.Join(g.dir, argument), []byte(g.addressed(content)), 0o600); err != nil {
			g.t.Fatal(err)
		}
	}
	return content, 0
}

// console runs the commands of a session one after the other. All but the last
// have to succeed.
func (g *guide) console(content, argument string) (want string, commands int) {
	exit := 0
	if argument != "" {
		if _, err := fmt.Sscanf(argument, "exit=%d", &exit); err != nil {
			g.t.Fatalf("what is %q?", argument)
		}
	}
	calls := typed(content)
	var session strings.Builder
	for i, call := range calls {
		call = strings.TrimRight(call, "\n") + "\n"
		printed, code := g.shell(call)
		wantCode := 0
		if i == len(calls)-1 {
			wantCode = exit
		}
		if code != wantCode {
			g.t.Errorf("%sended with %d, want %d:\n%s", call, code, wantCode, printed)
		}
		session.WriteString("$ " + call + printed)
	}
	if looksLike(content, session.String()) {
		return content, len(calls)
	}
	if !*update {
		g.t.Errorf("the guide shows\n%s\nbut there is\n%s", content, session.String())
	}
	return session.String(), len(calls)
}

// standingIn puts what stands in for a host in its place.
func (g *guide) standingIn(content string) string {
	for shown, real := range g.real {
		content = strings.ReplaceAll(content, shown, real)
	}
	return content
}

// addressed puts what stands in for a host in its place, and gives each account
// the address of the sandbox.
func (g *guide) addressed(content string) string {
	var b strings.Builder
	provider := ""
	for line := range strings.Lines(g.standingIn(content)) {
		if rest, ok := strings.CutPrefix(line, `account "`); ok {
			provider, _, _ = strings.Cut(rest, `"`)
		}
		if described := "loyalty"; provider == described {
			// The guide's own description has the address.
			provider = ""
		}
		// At the end, so that the lines before have the numbers that they
		// have for the reader.
		if line == "}\n" && provider != "" {
			fmt.Fprintf(&b, "  base_url = %q\n", g.sandbox.URL(provider))
			provider = ""
		}
		b.WriteString(line)
	}
	return b.String()
}

// shell runs commands where the ones before have left off, and returns what
// they print, as the guide's reader would see it.
func (g *guide) shell(script string) (printed string, code int) {
	// The folders may have any name, with a space in it, say.
	dir, err := syntax.Quote(g.dir, syntax.LangBash)
	if err != nil {
		g.t.Fatal(err)
	}
	const kept = `"$HOME/environment"`
	before := fmt.Sprintf("set -a\ncd %[1]s\n[ ! -e %[2]s ] || . %[2]s\nexport %[3]s=%[4]s\ntrap 'export -p >%[2]s' EXIT\n", dir, kept, clockVariable, g.shift)
	cmd := exec.Command("bash", "-c", before+script)
	cmd.Dir = g.dir
	cmd.Stdin, g.stdin = strings.NewReader(g.stdin), ""
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + g.home, "GORACE=atexit_sleep_ms=0", "LC_ALL=C.UTF-8",
		beganVariable + "=" + g.clock.String(), "COLUMNS=80",
	}
	for name, value := range g.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	hung := time.AfterFunc(2*time.Minute, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer hung.Stop()
	if g.during != nil {
		g.during(cmd.Process.Pid)
		g.during = nil
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		g.t.Fatal(err)
	}
	return g.asShown(out.String()), code
}

func (g *guide) asShown(printed string) string {
	for _, secret := range []string{password, wrongPassword, bankPassword, apiToken, "eyJ"} {
		if strings.Contains(printed, secret) {
			g.t.Errorf("a secret was printed:\n%s", printed)
		}
	}
	for shown, real := range g.real {
		printed = strings.ReplaceAll(printed, real, shown)
	}
	sandboxHost := strings.TrimPrefix(g.sandbox.URL(""), "http://")
	// In a plan a host stands alone, below the account.
	for upstream, address := range upstreamHosts {
		host := strings.Split(address, "/")[2]
		below := regexp.MustCompile(`(account\.` + upstream + `\.[^\n]*\n(?: {6}[^\n]*\n)*? +secrets go to )` + regexp.QuoteMeta(sandboxHost))
		printed = below.ReplaceAllString(printed, "${1}"+host)
	}
	printed = strings.ReplaceAll(printed, sandboxHost, "gateway.sagi.kz")
	return strings.ReplaceAll(strings.ReplaceAll(printed, g.dir, "/srv/payments"), g.home, "/home/you")
}

// passing is what differs from run to run: points in time, spans of it, and the
// numbers of emergency files.
var passing = regexp.MustCompile(`\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?)?Z?|\b\d\d:\d\d\b|\bjust now\b|\b(in )?(\d+(d|h|m|s|ms))+\b( ago)?|\b[0-9a-f]{8}…|(-[A-Z2-7]{8})?-\d{6,}\.json`)

// looksLike says whether the output is what is shown, where a line "…" may
// stand for any others.
func looksLike(shown, printed string) bool {
	// Where lines of a frame are broken depends on how long what differs is.
	printed, shown = strings.ReplaceAll(printed, "│", ""), strings.ReplaceAll(shown, "│", "")
	words := strings.Join(strings.Fields(passing.ReplaceAllString(printed, "?")), " ")
	for i, part := range strings.Split("\n"+shown, "\n…\n") {
		part = strings.Join(strings.Fields(passing.ReplaceAllString(part, "?")), " ")
		at := strings.Index(words, part)
		if at < 0 || i == 0 && at > 0 {
			return false
		}
		words = words[at+len(part):]
	}
	return strings.HasSuffix(shown, "\n…\n") || strings.TrimSpace(words) == ""
}

func TestOutputIsComparedWithTheGuide(t *testing.T) {
	for _, tt := range []struct {
		shown, printed string
		like           bool
	}{
		{"$ a\nin 29d23h, 2026-01-02 10:00 UTC\n", "$ a\nin 30d,\n  2027-02-03 11:01 UTC\n", true},
		{"$ a\nended just now, next in 20m\n", "$ a\nended 1s ago, next in 19m59s\n", true},
		{"$ a\n│ at one│\n", "$ a\n│ at│\n│ one│\n", true},
		{"$ a\none\n…\nfour\n", "$ a\none\ntwo\nthree\nfour\n", true},
		{"$ a\none\n…\n", "$ a\none\ntwo\n", true},
		{"$ a\none\n", "$ a\none\ntwo\n", false},
		{"$ a\none\n…\nfive\n", "$ a\none\nfour\n", false},
		{"$ a\none\n", "$ a\nOne\n", false},
		{"$ a\none\n…\none\n", "$ a\none\n", false},
	} {
		if got := looksLike(tt.shown, tt.printed); got != tt.like {
			t.Errorf("%q, %q: %v", tt.shown, tt.printed, got)
		}
	}
}
