package answers

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of docs/reliability.md")

// table has how many cells there are of each kind, and how often all runs of one may log
// in, as the rules have it.
func table() string {
	count := map[kind]int{}
	total := 0
	for i := range upstreams {
		for _, c := range cells(&upstreams[i]) {
			count[c.kind()]++
			total++
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "| what the answer is | cells | logins in %d runs, at most |\n|---|---|---|\n", runs)
	for _, k := range kinds {
		most := fmt.Sprint(k.most(2, runs))
		switch {
		case k == brought:
			most = "1"
		case k.attempts() > 1:
			most = fmt.Sprintf("%d attempts of each run", maxAttempts)
		case k.most(2, runs) == runs:
			most = "1 of each run"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", k, thousands(count[k]), most)
	}
	fmt.Fprintf(&b, "| all | %s | |\n", thousands(total))
	return b.String()
}

func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

func TestTheTableOfAnswersIsNotStale(t *testing.T) {
	const path, begin, end = "../../docs/reliability.md", "<!-- table of answers -->\n", "<!-- end of table -->\n"
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(b), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no place for the table", path)
	}
	want := before + begin + table() + end + after
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(b) {
		t.Errorf("%s is stale; run make docs", path)
	}
}
