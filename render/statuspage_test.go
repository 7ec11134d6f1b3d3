package render

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
)

func makePage(t *testing.T, d plan.Document, o StatusPageOptions) string {
	t.Helper()
	var b bytes.Buffer
	o.Now = noon
	if err := StatusPage(&b, d, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// everyState adds to the busy document what it lacks.
func everyState() plan.Document {
	d := busyDocument()
	schedule := "*/10 * * * *"
	d.Schedule, d.NextRuns = &schedule, []time.Time{*at(10 * time.Minute)}
	d.Diagnostics = append(d.Diagnostics, diag.Errorf("A target could not be checked", "vault.main: connection refused").About("account.bereke.bank", nil))
	late := plan.DocumentAccount{
		Address: "account.bereke.bank", Provider: "bereke", Action: plan.Reissue, Reason: plan.Expired, Message: "the token expired 5m ago",
		IssuedAt: at(-20 * time.Minute), ExpiresAt: at(-5 * time.Minute), RotateAt: at(-10 * time.Minute),
		Clocks:  []plan.DocumentClock{{Name: plan.AccessToken, Since: at(-20 * time.Minute), At: at(-5 * time.Minute)}},
		Targets: []plan.DocumentTarget{target("vault.main", "secret/bank", plan.Deliver, plan.Expired)},
	}
	judge(&late, plan.Critical, "the token expired 5m ago", nil)
	unread := plan.DocumentAccount{Address: `account.sagi.shop["<script>alert(1)</script>"]`, Provider: "sagi", Action: plan.None, Reason: plan.Unreadable}
	judge(&unread, plan.Unknown, "vault.main: connection refused", nil)
	d.Accounts = append(d.Accounts, late, unread)
	return d
}

func TestPageShowsEveryState(t *testing.T) {
	got := makePage(t, everyState(), StatusPageOptions{})
	checkGolden(t, got)
	for _, want := range []string{
		"<title>critical: payments - credsync</title>", `<html lang="en">`,
		"credsync apply --replace sagi.milk", "next run in 10m, at 12:10 UTC", `class="bar-window"`, `class="bar-late"`,
		">account.sagi.shop[&#34;&lt;script&gt;alert(1)&lt;/script&gt;&#34;]",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

func TestPageHasNothingThatActsOrIsFetched(t *testing.T) {
	got := makePage(t, everyState(), StatusPageOptions{})
	for _, pattern := range []string{
		`<script`, `(?i)<[^>]*\son[a-z]+\s*=`, `<[^>]*\sstyle=`, `<form`, `<iframe`, `<img`, `(src|action)=`,
		`href="[^#d]`, `url\(`, `@import`, `http-equiv="refresh"`,
	} {
		if found := regexp.MustCompile(pattern).FindString(got); found != "" {
			t.Errorf("the page has %q", found)
		}
	}
}

func TestPolicyAllowsThePagesOwnStyleAndNoOther(t *testing.T) {
	got := makePage(t, everyState(), StatusPageOptions{})
	_, rest, _ := strings.Cut(got, "<style>")
	style, _, ok := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	if hash := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !ok || !strings.Contains(StatusPageCSP, "style-src "+hash+";") {
		t.Errorf("the style's hash is %s, the policy %s", hash, StatusPageCSP)
	}
	if !strings.HasPrefix(StatusPageCSP, "default-src 'none';") || strings.Contains(StatusPageCSP, "unsafe") || strings.Contains(StatusPageCSP, "script-src") {
		t.Errorf("the policy is not strict: %s", StatusPageCSP)
	}
}

func TestPageOfTenThousandAccountsStaysSmallAndSaysWhatItLeavesOut(t *testing.T) {
	d := NoPlan(nil)
	d.Project = "payments"
	for i := range 10_000 {
		a := plan.DocumentAccount{
			Address: fmt.Sprintf("account.sagi.shop[\"%05d\"]", i), Provider: "sagi", Action: plan.None, Reason: plan.Current, Health: plan.OK,
			IssuedAt: at(-time.Hour), ExpiresAt: at(30 * 24 * time.Hour), RotateAt: at(28 * 24 * time.Hour),
			Targets: []plan.DocumentTarget{target("vault.main", fmt.Sprintf("secret/shops/%05d", i), plan.None, plan.Current)},
		}
		if i%50 == 0 {
			judge(&a, plan.Warn, "no token yet", nil)
			d.Diagnostics = append(d.Diagnostics, diag.Warningf("Slow", "Number %d.", i))
		}
		d.Accounts = append(d.Accounts, a)
	}
	got := makePage(t, d, StatusPageOptions{})
	for _, want := range []string{
		"200 warning", "9800 ok", "100 more need attention", "9700 more are not shown (9700 ok)", "150 more are not shown", `<details>`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if len(got) > 512<<10 {
		t.Errorf("the page has %d bytes", len(got))
	}
}

func TestPageSaysWhyThereIsNothingToShow(t *testing.T) {
	got := makePage(t, NoPlan(diag.List{diag.Errorf("No configuration files", "There are none.")}), StatusPageOptions{})
	if !strings.Contains(got, "No configuration files") || !strings.Contains(got, `<span class="badge unknown">unknown</span>`) {
		t.Errorf("got %s", got)
	}
}

func TestServedPageIsReadOnlyAndCarriesItsPolicy(t *testing.T) {
	for method, want := range map[string]int{"GET": 200, "HEAD": 200, "POST": 405, "PUT": 405, "DELETE": 405} {
		w := httptest.NewRecorder()
		ServeStatusPage(
			w,
			httptest.NewRequest(method, "/", nil),
			everyState(),
			StatusPageOptions{Now: noon, Refresh: 30 * time.Second},
		)
		if w.Code != want {
			t.Errorf("%s: %d, want %d", method, w.Code, want)
		}
		if want != http.StatusOK {
			continue
		}
		for name, value := range map[string]string{
			"Content-Security-Policy": StatusPageCSP, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Cache-Control": "no-store", "Content-Type": "text/html; charset=utf-8",
		} {
			if got := w.Header().Get(name); got != value {
				t.Errorf("%s is %q, want %q", name, got, value)
			}
		}
		if !strings.Contains(w.Body.String(), `<meta http-equiv="refresh" content="30">`) {
			t.Error("the page of a daemon is not reloaded")
		}
	}
}

func TestTimelineStaysWithinItsFrame(t *testing.T) {
	for name, a := range map[string]plan.DocumentAccount{
		"fresh":                    {IssuedAt: at(0), ExpiresAt: at(time.Hour), RotateAt: at(40 * time.Minute)},
		"issued by a clock ahead":  {IssuedAt: at(time.Minute), ExpiresAt: at(time.Hour), RotateAt: at(40 * time.Minute)},
		"due":                      {IssuedAt: at(-time.Hour), ExpiresAt: at(time.Minute), RotateAt: at(-time.Minute)},
		"long expired":             {IssuedAt: at(-100 * time.Hour), ExpiresAt: at(-99 * time.Hour), RotateAt: at(-99 * time.Hour)},
		"rotated before its issue": {IssuedAt: at(-time.Hour), ExpiresAt: at(time.Hour), RotateAt: at(-2 * time.Hour)},
		"no life at all":           {IssuedAt: at(0), ExpiresAt: at(0), RotateAt: at(0)},
	} {
		t.Run(name, func(t *testing.T) {
			for _, b := range newTokenTimeline(a, noon).Bars {
				if b.X < 0 || b.Width < 0 || b.X+b.Width > lifeWidth {
					t.Errorf("%+v", b)
				}
			}
		})
	}
}
