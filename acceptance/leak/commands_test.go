package leak

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// cases are the ways in which each command is run, by its words. ADDR stands
// for an account, CODE for the one that wants a code, FILE for a file with a
// secret that is of no use, PLAN for a saved plan.
var cases = map[string][][]string{
	"validate":              {{}, {"--json"}},
	"test":                  {{}, {"--json"}, {"--print", "account.invoicebox.a"}},
	"fmt":                   {{"--check", "--diff"}, {"--check", "--recursive"}},
	"plan":                  {{}, {"--json"}, {"--offline"}, {"--authenticate"}, {"--detailed-exitcode"}, {"--out", "PLAN"}, {"--target", "ADDR", "--replace", "CODE"}},
	"apply":                 {{}, {"--auto-approve"}, {"--auto-approve", "--json"}, {"--auto-approve", "--replace", "ADDR"}, {"--auto-approve", "PLAN"}, {"--auto-approve", "FILE"}, {"--auto-approve", "--shard", "0/2"}},
	"login":                 {{"CODE", "--send-only"}, {"CODE", "--code-file", "FILE"}, {"CODE"}, {"ADDR"}, {"no.such"}, {"CODE", "--code", "1234", "--code-file", "FILE"}},
	"status":                {{}, {"--json"}},
	"policy vault":          {{}},
	"policy kubernetes":     {{}},
	"providers":             {{}, {"--json"}, {"sagi"}},
	"sinks":                 {{}, {"--json"}, {"vault"}},
	"schema":                {{}},
	"show":                  {{"PLAN"}, {"PLAN", "--json"}, {"FILE"}},
	"verify":                {{}, {"--json"}, {"ADDR"}},
	"doctor":                {{"--timeout", "2s"}, {"--timeout", "2s", "--json"}, {"--offline"}},
	"notify test":           {{}, {"--json"}, {"--event", "failing"}, {"no-such"}},
	"state list":            {{}, {"--json"}},
	"state rm":              {{"sagi.proxy"}, {"sagi.proxy", "--auto-approve"}},
	"state show":            {{"ADDR"}, {"CODE", "--json"}, {"bereke.key", "--json"}},
	"state unlock":          {{"ADDR", "--auto-approve"}},
	"state migrate":         {{}, {"--auto-approve"}, {"--from", "FILE"}, {"--from", "no-such-place"}},
	"state recover":         {{"FILE"}, {"no-such-file"}},
	"version":               {{}, {"--json"}},
	"completion bash":       {{}},
	"completion fish":       {{}},
	"completion zsh":        {{}},
	"completion powershell": {{}},
	"help":                  {{}, {"apply"}},
}

// commands asks the program for its commands, by the words of each.
func commands(t *testing.T, words ...string) []string {
	t.Helper()
	out, err := exec.Command(program, append(append([]string{"__complete"}, words...), "")...).Output()
	if err != nil {
		t.Fatalf("ask for the commands below %q: %v", words, err)
	}
	var list []string
	for line := range strings.Lines(string(out)) {
		name, what, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok || what == "" || strings.HasPrefix(name, "-") {
			continue
		}
		below := append(slices.Clone(words), name)
		if name == "help" {
			list = append(list, strings.Join(below, " "))
		} else if more := commands(t, below...); len(more) > 0 {
			list = append(list, more...)
		} else {
			list = append(list, strings.Join(below, " "))
		}
	}
	return list
}

func TestEveryCommandIsHunted(t *testing.T) {
	known := commands(t)
	for _, name := range known {
		if len(cases[name]) == 0 && commandsThatStayUp[name] == nil {
			t.Errorf("there is no case for %q", name)
		}
	}
	for name := range cases {
		if !slices.Contains(known, name) {
			t.Errorf("there is a case for %q, and no such command", name)
		}
	}
	if len(known) < 10 {
		t.Errorf("only %q were found", known)
	}
}

// everyCommand runs all cases, each with its log in text or in JSON.
func (e *accountEstate) everyCommand(what string, restore func()) {
	e.t.Helper()
	junk := e.write(asJSON(map[string]string{"kind": e.Word("junk file"), "code": e.Word("junk file")})+e.Word("junk file"), "inputs", "junk")
	words := strings.NewReplacer("ADDR", "sagi.slots", "CODE", e.withCode, "FILE", junk, "PLAN", e.path("work", "plan.json"))
	n := 0
	for _, name := range commands(e.t) {
		for _, args := range cases[name] {
			if restore != nil {
				restore()
			}
			line := strings.Fields(name)
			for _, arg := range args {
				line = append(line, words.Replace(arg))
			}
			format := []string{"text", "json"}[n%2]
			n++
			e.run(what, append(line, "--log-format", format)...)
		}
	}
}
