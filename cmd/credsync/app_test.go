package main

import (
	"runtime/debug"
	"strings"
	"testing"

	"github.com/credsync/credsync/engine"
)

func TestMistakesOnTheCommandLine(t *testing.T) {
	tests := map[string]struct {
		args []string
		env  string
		want string
	}{
		"command":                      {[]string{"aply"}, "", "Did you mean apply?"},
		"no such command":              {[]string{"frobnicate"}, "", `There is no command "frobnicate"`},
		"flag":                         {[]string{"plan", "--jsn"}, "", "Did you mean --json?"},
		"short flag":                   {[]string{"plan", "-x"}, "", "There is no flag -x"},
		"flag as terraform writes it":  {[]string{"plan", "-json"}, "", "Long flags take two dashes: --json."},
		"shared flag":                  {[]string{"plan", "--no-colour"}, "", "Did you mean --no-color?"},
		"value missing":                {[]string{"plan", "--target"}, "", "--target needs a value"},
		"value of another type":        {[]string{"apply", "--concurrency", "hunter2"}, "", "--concurrency has a value that it cannot take"},
		"out of range":                 {[]string{"apply", "--concurrency", "0"}, "", "--concurrency is 0"},
		"two paths":                    {[]string{"plan", "a", "b"}, "", "2 paths were given"},
		"log level":                    {[]string{"plan", "--log-level", "loud"}, "", `--log-level is "loud"`},
		"log level of the environment": {[]string{"plan"}, "CREDSYNC_LOG=loud", `CREDSYNC_LOG is "loud"`},
		"log format":                   {[]string{"plan", "--log-format", "xml"}, "", `--log-format is "xml"`},
		"version takes no path":        {[]string{"version", "x"}, "", "The command line cannot be understood"},
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
			info := &debug.BuildInfo{Main: debug.Module{Version: tt.module}, Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}}}
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
