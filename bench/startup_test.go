//go:build bench

package bench

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// start measures how long the program takes to do nearly nothing.
func start(t *testing.T, b *table) {
	example, err := os.ReadFile("../examples/vault.hcl")
	if err != nil {
		t.Fatal(err)
	}
	p := newProcess(t, map[string]string{"main.hcl": string(example)})
	goals := map[string]time.Duration{"version": 15 * time.Millisecond, "validate": 30 * time.Millisecond}
	for _, command := range []string{"version", "validate"} {
		ratio, ours, theirs := ratios(
			10**rounds,
			func() time.Duration { return p.run(command).Wall },
			func() time.Duration { return p.runWith(empty).Wall },
		)
		b.add(
			ours <= goals[command],
			fmt.Sprintf("`credsync %s`", command),
			"≤ "+short(goals[command]),
			"%s, %.1f × an empty Go program (%s)",
			short(ours),
			ratio,
			short(theirs),
		)
	}
	info, err := os.Stat(credsync)
	if err != nil {
		t.Fatal(err)
	}
	b.add(info.Size() <= 40<<20, "stripped binary", "≤ 40 MB", "%.1f MB", float64(info.Size())/(1<<20))
}

// pure measures parsing, evaluating and planning alone: nothing is there, and
// the targets are files.
func pure(t *testing.T, b *table) {
	for _, f := range []configForm{fromCSV, fromYAML, inBlocks} {
		var costs [2][]time.Duration
		var peak int64
		for i, n := range []int{small(), *large} {
			p := newProcess(t, fleet{provider: "sagi", accounts: n, form: f, place: inFiles}.files(), "CREDSYNC_VAR_url=http://127.0.0.1:1")
			if err := os.MkdirAll(filepath.Join(p.dir, "out"), 0o700); err != nil {
				t.Fatal(err)
			}
			for range *rounds {
				c := p.run("plan", "--offline")
				costs[i] = append(costs[i], c.CPU)
				peak = max(peak, c.Resident)
			}
		}
		one, ten := median(costs[0]), median(costs[1])
		growth := float64(ten) / float64(one)
		b.add(ten <= time.Second && growth <= 10.5, fmt.Sprintf("parse, evaluate and plan %d new accounts (%s)", *large, f), "< 1 s of CPU, growth ≤ 10.5 ×",
			"%s of CPU, %.1f × that of %d (%s)", short(ten), growth, small(), megabytes(peak))
	}
}

// describedAccounts compares accounts of a description with those of a built-in provider: the
// same accounts, of the same upstream, one after the other.
func describedAccounts(t *testing.T, b *table) {
	description, err := os.ReadFile("../providers/sagi/testdata/described.hcl")
	if err != nil {
		t.Fatal(err)
	}
	builtIn := fleet{provider: "sagi", accounts: *large, form: fromCSV, place: inFiles}.files()
	described := maps.Clone(builtIn)
	described["main.hcl"] = strings.Replace(builtIn["main.hcl"], `account "sagi"`, `account "sagi_hcl"`, 1)
	described["sagi.hcl"] = string(description)
	var costs [2][]time.Duration
	for range *rounds {
		for i, files := range []map[string]string{builtIn, described} {
			p := newProcess(t, files, "CREDSYNC_VAR_url=http://127.0.0.1:1")
			if err := os.MkdirAll(filepath.Join(p.dir, "out"), 0o700); err != nil {
				t.Fatal(err)
			}
			costs[i] = append(costs[i], p.run("plan", "--offline").CPU)
		}
	}
	theirs, ours := median(costs[0]), median(costs[1])
	ratio := float64(ours) / float64(theirs)
	b.add(ratio <= 1.3, fmt.Sprintf("parse, evaluate and plan %d new accounts of a described upstream", *large), "≤ 1.3 × a built-in provider",
		"%.2f × (%s, built in %s of CPU)", ratio, short(ours), short(theirs))
}
