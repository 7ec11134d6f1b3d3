package main

import (
	"regexp"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/reference"
	"github.com/spf13/pflag"
)

func TestMistakesOnTheCommandLine(t *testing.T) {
	tests := map[string]struct {
		args []string
		env  string
		want string
	}{
		"command":                        {[]string{"aply"}, "", "Did you mean apply?"},
		"no such command":                {[]string{"frobnicate"}, "", `Unknown command "frobnicate"`},
		"flag":                           {[]string{"plan", "--jsn"}, "", "Did you mean --json?"},
		"short flag":                     {[]string{"plan", "-x"}, "", "Unknown flag -x"},
		"flag as terraform writes it":    {[]string{"plan", "-json"}, "", "Long flags take two dashes: --json."},
		"shared flag":                    {[]string{"plan", "--no-colour"}, "", "Did you mean --no-color?"},
		"value missing":                  {[]string{"plan", "--target"}, "", "--target needs a value"},
		"value of another type":          {[]string{"apply", "--concurrency", "hunter2"}, "", "--concurrency has an invalid value"},
		"out of range":                   {[]string{"apply", "--concurrency", "0"}, "", "--concurrency is 0"},
		"two paths":                      {[]string{"plan", "a", "b"}, "", "2 paths were given"},
		"log level":                      {[]string{"plan", "--log-level", "loud"}, "", `--log-level is "loud"`},
		"log level of the environment":   {[]string{"plan"}, "CREDSYNC_LOG=loud", `CREDSYNC_LOG is "loud"`},
		"log format":                     {[]string{"plan", "--log-format", "xml"}, "", `--log-format is "xml"`},
		"version as terraform writes it": {[]string{"-version"}, "", "Long flags take two dashes: --version."},
		"version of a command":           {[]string{"plan", "-version"}, "", "credsync version"},
		"vault's get":                    {[]string{"get", "sagi.x"}, "", "credsync status"},
		"rotate":                         {[]string{"rotate", "sagi.x"}, "", "credsync apply --replace ADDR"},
		"terraform import":               {[]string{"import"}, "", "import block"},
		"terraform state mv":             {[]string{"state", "mv", "a", "b"}, "", "moved block"},
		"slip under state":               {[]string{"state", "lst"}, "", "Did you mean list?"},
		"plan -out":                      {[]string{"plan", "-out=x"}, "", "Long flags take two dashes: --out."},
		"plan -o":                        {[]string{"plan", "-o", "x"}, "", "--out FILE"},
		"status -o json":                 {[]string{"status", "-o", "json"}, "", "To print JSON: --json."},
		"status -ojson":                  {[]string{"status", "-ojson"}, "", "To print JSON: --json."},
		"apply -destroy":                 {[]string{"apply", "-destroy"}, "", "delete its block"},
		"plan --destroy":                 {[]string{"plan", "--destroy"}, "", "delete its block"},
		"parallelism":                    {[]string{"apply", "--parallelism=3"}, "", "--concurrency N"},
		"yes":                            {[]string{"apply", "-y"}, "", "--auto-approve"},
		"namespace":                      {[]string{"plan", "-n", "shop"}, "", "attribute of the sink block"},
		"a secret in a flag":             {[]string{"plan", "-token=hunter2"}, "", "VAULT_TOKEN"},
		"version takes no path":          {[]string{"version", "x"}, "", "The command line is invalid"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := &fakeEngine{plans: []*engine.Plan{planned(current)}}
			got := command(t, f, tt.args, tt.env)
			if got.code != 1 || got.stdout != "" || len(f.requests) != 0 {
				t.Errorf("exit %d, %d plans, standard output %q", got.code, len(f.requests), got.stdout)
			}
			if !strings.Contains(got.stderr, tt.want) || strings.Contains(got.stderr, "hunter2") {
				t.Errorf("standard error does not say %q:\n%s", tt.want, got.stderr)
			}
			if n := strings.Count(got.stderr, "\n"); n > 8 {
				t.Errorf("%d lines for a slip:\n%s", n, got.stderr)
			}
		})
	}
}

func TestNoCommandPrintsHelp(t *testing.T) {
	got := command(t, nil, nil)
	for _, name := range []string{"validate", "fmt", "plan", "apply", "status", "version", "completion"} {
		if !strings.Contains(got.stdout, "\n  "+name+" ") {
			t.Errorf("no %s in\n%s", name, got.stdout)
		}
	}
	if got.code != 0 {
		t.Errorf("exit %d", got.code)
	}
}

func TestCompletionIsOfferedForShells(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if got := command(t, nil, []string{"completion", shell}); got.code != 0 || !strings.Contains(got.stdout, "credsync") {
			t.Errorf("%s: exit %d, %d bytes", shell, got.code, len(got.stdout))
		}
	}
}

func TestVersionOf(t *testing.T) {
	tests := map[string]struct{ release, module, want string }{
		"release":                    {"1.2.3", "v9.9.9", "1.2.3"},
		"release with its v":         {"v1.2.3", "", "1.2.3"},
		"go install of a tag":        {"", "v1.4.0", "1.4.0"},
		"go build in a checkout":     {"", "v0.0.0-20260115120000-abcdefabcdef", development},
		"changed checkout of a tag":  {"", "v1.4.0+dirty", development},
		"go run, or without modules": {"", "(devel)", development},
		"unknown":                    {"", "", development},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			info := &debug.BuildInfo{
				Main:     debug.Module{Version: tt.module},
				Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}},
			}
			if got := versionOf(tt.release, info); got.Version != tt.want || got.Commit != "abc" {
				t.Errorf("%+v, want version %s", got, tt.want)
			}
		})
	}
}

func TestDevelopmentVersionCountsAsTheReleaseItLeadsTo(t *testing.T) {
	if got := releaseVersion(development); got != "0.1.0" {
		t.Errorf("required(%s) = %s, want 0.1.0", development, got)
	}
}

// Advice for those who know other tools must not send them to what does not exist.
func TestEquivalentsNameWhatExists(t *testing.T) {
	root := commands()
	mentioned := regexp.MustCompile(`credsync ((?:[a-z]+ ?)+)`)
	check := func(here string) {
		for _, m := range mentioned.FindAllStringSubmatch(here, -1) {
			words := strings.Fields(m[1])
			if c, rest, err := root.Find(words); err != nil || c == root && words[0] != "block" ||
				c.HasSubCommands() && len(rest) > 0 {
				t.Errorf("%q names a command that does not exist", here)
			}
		}
	}
	for under, list := range equivalentCommands {
		parent, _, err := root.Find(strings.Fields(under))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			check(e.here)
			for _, c := range parent.Commands() {
				if c.Name() == e.typed {
					t.Errorf("%s %s exists, so its advice is never given", under, e.typed)
				}
			}
		}
	}
	flags := map[string]bool{}
	for _, c := range reference.Documented(root) {
		c.Flags().VisitAll(func(f *pflag.Flag) { flags[f.Name] = true })
	}
	for _, e := range equivalentFlags {
		check(e.here)
		if e.needs != "" && !flags[e.needs] {
			t.Errorf("%s: no command has --%s", e.typed, e.needs)
		}
	}
}
