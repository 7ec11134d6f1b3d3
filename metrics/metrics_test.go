package metrics_test

import (
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/metrics"
	"github.com/credsync/credsync/plan"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

var update = flag.Bool("update", false, "write the table of docs/metrics.md")

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// full has a value in every family.
func full() *metrics.Collector {
	c := metrics.NewCollector("1.2.3", "go1")
	c.Planned(&engine.AccountPlan{
		Decision: plan.Decision{
			Address: `account.sagi.coffee["a\"b"]`, Provider: "sagi", Action: plan.Refresh, Reason: plan.Expiring, RotateAt: now.Add(time.Hour),
			HumanNeededBy: now.Add(24 * time.Hour),
			Blocker:       &plan.Block{Reason: "credentials_rejected"},
			Targets: []plan.TargetDecision{
				{
					Action: plan.None,
					Reason: plan.Current,
				}, {Action: plan.Deliver, Reason: plan.TargetMissing}, {Action: plan.Forget, Reason: plan.Removed},
			},
		},
		IssuedAt: now.Add(-time.Hour), ExpiresAt: now.Add(2 * time.Hour),
	})
	c.Ended("sagi", engine.Outcome{Address: `account.sagi.coffee["a\"b"]`, Result: engine.Failed, Class: "retryable", Logins: 1, Refreshes: 1})
	c.Settled(`account.sagi.coffee["a\"b"]`, "sagi", now)
	c.Command("apply", now)
	c.Daemon(
		metrics.Daemon{
			Ready:          true,
			StateReachable: true,
			ConfigGood:     true,
			StateRead:      now,
			ConfigRead:     now,
			Working:        2,
		},
	)
	c.Began(20 * time.Millisecond)
	return c
}

func TestEveryDocumentedMetricIsThereAndNoOther(t *testing.T) {
	families, err := full().Registry(true).Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "credsync_") {
			got = append(got, f.GetName())
		}
	}
	if slices.Sort(got); !slices.Equal(got, metrics.Names()) {
		t.Errorf("there are %v, documented are %v", got, metrics.Names())
	}
}

func TestMetricsPassPrometheusOwnLint(t *testing.T) {
	problems, err := testutil.GatherAndLint(full().Registry(false))
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

func TestTheDocumentationIsNotStale(t *testing.T) {
	const path, begin, end = "../docs/metrics.md", "<!-- table -->\n", "<!-- end of table -->\n"
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(b), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no place for the table", path)
	}
	want := before + begin + metrics.Reference() + end + after
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(b) {
		t.Errorf("%s is stale; run make docs", path)
	}
}

func TestEveryClassOfFailuresIsDocumented(t *testing.T) {
	b, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	_, words, _ := strings.Cut(string(b), "`class` is")
	for _, class := range failure.Classes {
		if !strings.Contains(words, "`"+string(class)+"`") {
			t.Errorf("%s is not", class)
		}
	}
}

func TestValues(t *testing.T) {
	want := `
		# HELP credsync_account_blocked 1 for an account that needs a human, with the reason, even while its token is still good. No series for other accounts.
		# TYPE credsync_account_blocked gauge
		credsync_account_blocked{address="account.sagi.coffee[\"a\\\"b\"]",provider="sagi",reason="credentials_rejected"} 1
		# HELP credsync_failures_total How often work on the account failed, by the class of the error.
		# TYPE credsync_failures_total counter
		credsync_failures_total{address="account.sagi.coffee[\"a\\\"b\"]",class="retryable",provider="sagi"} 1
		# HELP credsync_targets How many targets the account has.
		# TYPE credsync_targets gauge
		credsync_targets{address="account.sagi.coffee[\"a\\\"b\"]",provider="sagi"} 2
		# HELP credsync_targets_delivered How many of the account's targets hold its newest token, complete and unchanged.
		# TYPE credsync_targets_delivered gauge
		credsync_targets_delivered{address="account.sagi.coffee[\"a\\\"b\"]",provider="sagi"} 1
		# HELP credsync_token_expires_timestamp_seconds When the account's newest token expires. No series if there is no token or it does not expire.
		# TYPE credsync_token_expires_timestamp_seconds gauge
		credsync_token_expires_timestamp_seconds{address="account.sagi.coffee[\"a\\\"b\"]",provider="sagi"} 1.7723736e+09
	`
	err := testutil.GatherAndCompare(full().Registry(false), strings.NewReader(want),
		"credsync_account_blocked", "credsync_failures_total", "credsync_targets", "credsync_targets_delivered", "credsync_token_expires_timestamp_seconds")
	if err != nil {
		t.Error(err)
	}
}

// A state out of reach says nothing about the token that is in it.
func TestAnUnreadableAccountKeepsItsExpiry(t *testing.T) {
	c := full()
	c.Planned(
		&engine.AccountPlan{
			Decision: plan.Decision{
				Address:  `account.sagi.coffee["a\"b"]`,
				Provider: "sagi",
				Action:   plan.None,
				Reason:   plan.Unreadable,
			},
		},
	)
	if n := testutil.CollectAndCount(c, "credsync_token_expires_timestamp_seconds"); n != 1 {
		t.Errorf("%d series", n)
	}
	c.Keep(nil)
	if n := testutil.CollectAndCount(c, "credsync_token_expires_timestamp_seconds", "credsync_failures_total"); n != 0 {
		t.Errorf("%d series of accounts that are gone", n)
	}
}

func TestAFileIsReplacedAndReadableByEveryone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credsync.prom")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := full().WriteFile(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), "\ncredsync_accounts 1\n") || strings.Contains(string(text), "go_gc") {
		t.Errorf("%v:\n%s", err, text)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v %v", entries, err)
	}
	if err := full().WriteFile(filepath.Join(path, "no", "directory")); err == nil || !strings.Contains(err.Error(), "no/directory") {
		t.Errorf("an error that says nothing: %v", err)
	}
}

func TestPush(t *testing.T) {
	var path, user, password, body string
	status := http.StatusOK
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		path, body = r.Method+" "+r.URL.Path, string(b)
		user, password, _ = r.BasicAuth()
		w.WriteHeader(status)
	}))
	defer s.Close()
	gateway := strings.Replace(s.URL, "://", "://me:canary-password@", 1)
	if err := full().Push(t.Context(), gateway, "payments", "0"); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(path, "PUT /metrics/job/credsync/") || !strings.Contains(path, "/project/payments") || !strings.Contains(path, "/shard/0") {
		t.Error(path)
	}
	if user != "me" || password != "canary-password" || !strings.Contains(body, "credsync_accounts") {
		t.Errorf("user %q, %d bytes", user, len(body))
	}
	status = http.StatusUnauthorized
	s2 := "http://me:canary-password@127.0.0.1:1/"
	for _, bad := range []string{gateway, s2, "://me:canary-password@x", "ftp://me:canary-password@x"} {
		err := full().Push(t.Context(), bad, "payments", "")
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("error %v", err)
		}
	}
}
