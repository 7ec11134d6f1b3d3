package render

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
)

//go:embed statuspage/page.html
var pageHTML string

//go:embed statuspage/page.css
var pageCSS string

// pageTemplate is parsed when a page is asked for first: most commands show none.
var pageTemplate = sync.OnceValue(func() *template.Template { return template.Must(template.New("page").Parse(pageHTML)) })

// What a page shows at most, so that one of ten thousand accounts still opens
// on a phone. Its notes say what was left out.
const (
	pageProblems  = 50
	pageAttention = 100
	pageAccounts  = 300
)

// pageOpen is up to how many accounts a page is unfolded.
const pageOpen = 30

// pagePolicy lets the page have its own style and its empty icon, and nothing
// else: no script, no request, no form.
var pagePolicy = "default-src 'none'; style-src 'sha256-" + styleDigest() + "'; img-src data:; base-uri 'none'; form-action 'none'"

// StatusPageCSP is the Content-Security-Policy to serve a page with. The page says
// the same itself, except for frame-ancestors, which is heard only as a header.
var StatusPageCSP = pagePolicy + "; frame-ancestors 'none'"

func styleDigest() string {
	sum := sha256.Sum256([]byte(pageCSS))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// StatusPageOptions say how a page is made.
type StatusPageOptions struct {
	Now time.Time
	// Refresh is how often the browser reloads the page, in whole seconds;
	// 0 for a page that does not change, such as a file.
	Refresh time.Duration
}

// StatusPage writes the status page: one HTML document that needs no other file and
// no script. The document holds no secret, so neither does the page.
func StatusPage(w io.Writer, d plan.Document, o StatusPageOptions) error {
	if err := pageTemplate().Execute(w, newStatusPage(d, o)); err != nil {
		return fmt.Errorf("cannot write the status page: %w", err)
	}
	return nil
}

// ServeStatusPage answers a request with the status page, and any but a read with
// 405.
func ServeStatusPage(w http.ResponseWriter, r *http.Request, d plan.Document, o StatusPageOptions) {
	h := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "The status page is read-only.", http.StatusMethodNotAllowed)
		return
	}
	var b bytes.Buffer
	if err := StatusPage(&b, d, o); err != nil {
		http.Error(w, "The status page could not be built.", http.StatusInternalServerError)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", StatusPageCSP)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	// The reader may have gone; there is nobody to tell.
	_, _ = w.Write(b.Bytes())
}

// statusPage is what the template gets.
type statusPage struct {
	Policy, Title, Project string
	Style                  template.CSS
	Refresh                int
	Health                 plan.Health
	AsOf, Machine          string
	Schedule, Total        string
	Counts                 []pageCount
	Problems               []pageProblem
	MoreProblems           string
	Attention              []pageAccount
	MoreAttention          string
	Providers              []pageProvider
}

type pageCount struct {
	Health plan.Health
	N      int
}

// pageProblem is a diagnostic, without the source it points at.
type pageProblem struct {
	Health                       plan.Health
	Kind, Summary, Place, Detail string
}

// pageProvider is a group that can be folded.
type pageProvider struct {
	Name, Counts string
	Open         bool
	Accounts     []pageAccount
	More         string
}

func newStatusPage(d plan.Document, o StatusPageOptions) statusPage {
	accounts := byHealth(d.Accounts)
	p := statusPage{
		// Our own file, embedded, is the only thing that is trusted as CSS.
		Policy: pagePolicy, Style: template.CSS(pageCSS),
		Project: clean(d.Project), Refresh: int(o.Refresh / time.Second), Health: d.Worst(),
		AsOf: exactTime(o.Now), Machine: o.Now.UTC().Format(time.RFC3339),
		Total: Plural(len(accounts), "account"),
	}
	if d.Schedule != nil {
		p.Schedule = scheduleText(d, o.Now)
	}
	p.Title = fmt.Sprintf("%s: %s - credsync", p.Health, p.Project)
	counts := countHealth(accounts)
	for _, h := range slices.Backward(plan.Healths) {
		if counts[h] > 0 {
			p.Counts = append(p.Counts, pageCount{h, counts[h]})
		}
	}
	p.problems(d.Diagnostics)
	p.attention(accounts, o.Now)
	p.providers(accounts, o.Now)
	return p
}

// problems puts errors before warnings.
func (p *statusPage) problems(list diag.List) {
	sorted := slices.Clone(list)
	slices.SortStableFunc(
		sorted,
		func(a, b diag.Diagnostic) int { return strings.Compare(string(a.Severity), string(b.Severity)) },
	)
	if more := len(sorted) - pageProblems; more > 0 {
		p.MoreProblems = fmt.Sprintf("%d more are not shown; credsync status prints them all.", more)
		sorted = sorted[:pageProblems]
	}
	for _, d := range sorted {
		problem := pageProblem{
			Health:  plan.Critical,
			Kind:    "Error",
			Summary: clean(d.Summary),
			Detail:  clean(d.Detail),
			Place:   clean(d.Address),
		}
		if d.Severity == diag.Warning {
			problem.Health, problem.Kind = plan.Warn, "Warning"
		}
		if d.Range != nil {
			problem.Place = strings.TrimPrefix(
				fmt.Sprintf("%s, %s line %d", problem.Place, clean(d.Range.Filename), d.Range.Start.Line),
				", ",
			)
		}
		p.Problems = append(p.Problems, problem)
	}
}

func (p *statusPage) attention(accounts []plan.DocumentAccount, now time.Time) {
	bad := 0
	for _, a := range accounts {
		if a.Health == plan.OK {
			continue
		}
		if bad++; bad <= pageAttention {
			p.Attention = append(p.Attention, accountNeedingAttention(a, now))
		}
	}
	if more := bad - pageAttention; more > 0 {
		p.MoreAttention = fmt.Sprintf("%d more need attention; credsync status lists them all.", more)
	}
}

// providers groups the accounts, each group in the order of health.
func (p *statusPage) providers(accounts []plan.DocumentAccount, now time.Time) {
	groups := map[string][]plan.DocumentAccount{}
	var names []string
	for _, a := range accounts {
		if _, ok := groups[a.Provider]; !ok {
			names = append(names, a.Provider)
		}
		groups[a.Provider] = append(groups[a.Provider], a)
	}
	slices.Sort(names)
	for _, name := range names {
		group := groups[name]
		g := pageProvider{
			Name:   clean(name),
			Open:   len(accounts) <= pageOpen,
			Counts: Plural(len(group), "account") + ": " + healthCounts(group),
		}
		if more := len(group) - pageAccounts; more > 0 {
			rest := healthCounts(group[pageAccounts:])
			g.More = fmt.Sprintf("%d more are not shown (%s); credsync status lists them all.", more, rest)
			group = group[:pageAccounts]
		}
		for _, a := range group {
			g.Accounts = append(g.Accounts, accountRow(a, now))
		}
		p.Providers = append(p.Providers, g)
	}
}
