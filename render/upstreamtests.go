package render

import (
	"fmt"

	"github.com/credsync/credsync/credtest"
	"github.com/credsync/credsync/schema/diag"
)

// upstreamTests is the document of test --json.
type upstreamTests struct {
	FormatVersion string                `json:"format_version"`
	Passed        bool                  `json:"passed"`
	Tests         []upstreamTestResult  `json:"tests"`
	Hostile       []hostileResult       `json:"hostile_answers"`
	Unmatched     []unmatchedErrorBlock `json:"unmatched_error_blocks"`
	Untested      []string              `json:"untested_upstreams"`
	Diagnostics   diag.List             `json:"diagnostics"`
}

type upstreamTestResult struct {
	Upstream  string      `json:"upstream"`
	Operation string      `json:"operation"`
	Name      string      `json:"name"`
	Range     *diag.Range `json:"range"`
	Passed    bool        `json:"passed"`
	Failures  []string    `json:"failures"`
}

type hostileResult struct {
	Upstream  string   `json:"upstream"`
	Operation string   `json:"operation"`
	Answers   int      `json:"answers"`
	Passed    bool     `json:"passed"`
	Failures  []string `json:"failures"`
}

type unmatchedErrorBlock struct {
	Upstream string `json:"upstream"`
	Name     string `json:"name"`
	Place    string `json:"place"`
}

// UpstreamTests prints what the tests of upstream blocks found. diags are those of the
// files; with errors among them there is no report.
func (o *Output) UpstreamTests(r *credtest.Report, diags diag.List, asJSON bool) {
	if asJSON {
		o.indentedJSON(upstreamTestsJSON(r, diags))
		return
	}
	o.Diagnostics(diags)
	if r == nil {
		return
	}
	passed, failed := 0, 0
	verdict := func(failures []string, title, place string) {
		if len(failures) == 0 {
			passed++
			o.Out.printf("%s    %s\n", o.Out.style().green("ok"), title)
			return
		}
		failed++
		o.Out.printf("%s  %s%s\n", o.Out.style().red("FAIL"), title, place)
		for _, f := range failures {
			o.Out.printf("        %s\n", f)
		}
	}
	for _, t := range r.Tests {
		verdict(t.Failures, fmt.Sprintf("%s: %s: %s", t.Upstream, t.Operation, t.Name), fmt.Sprintf(" (%s)", t.Range))
	}
	for _, h := range r.Hostile {
		verdict(h.Failures, fmt.Sprintf("%s: %s to %s", h.Upstream, Plural(h.Answers, "hostile answer"), h.Operation), "")
	}
	for _, u := range r.Unmatched {
		o.Out.printf("%s  %s: error %q (%s) is matched by no test\n", o.Out.style().red("FAIL"), u.Upstream, u.Name, u.Place)
	}
	for _, u := range r.Untested {
		o.Out.printf("%s  %s: the upstream has no test\n", o.Out.style().red("FAIL"), u)
	}
	failed += len(r.Unmatched) + len(r.Untested)
	switch {
	case failed > 0:
		o.Out.printf("\n%d passed, %d failed.\n", passed, failed)
	case passed == 0:
		o.Out.printf("There are no upstream blocks to test.\n")
	default:
		o.Out.printf("\n%s %d passed.\n", o.Out.style().green("Success!"), passed)
	}
}

func upstreamTestsJSON(r *credtest.Report, diags diag.List) upstreamTests {
	doc := upstreamTests{
		FormatVersion: "1.0", Tests: []upstreamTestResult{}, Hostile: []hostileResult{}, Unmatched: []unmatchedErrorBlock{},
		Untested: []string{}, Diagnostics: notNil(diags),
	}
	if r == nil {
		return doc
	}
	doc.Passed = r.Passed()
	for _, t := range r.Tests {
		doc.Tests = append(doc.Tests, upstreamTestResult{
			Upstream: t.Upstream, Operation: t.Operation, Name: t.Name, Range: t.Range,
			Passed: len(t.Failures) == 0, Failures: append([]string{}, t.Failures...),
		})
	}
	for _, h := range r.Hostile {
		doc.Hostile = append(doc.Hostile, hostileResult{
			Upstream: h.Upstream, Operation: h.Operation, Answers: h.Answers,
			Passed: len(h.Failures) == 0, Failures: append([]string{}, h.Failures...),
		})
	}
	for _, u := range r.Unmatched {
		doc.Unmatched = append(doc.Unmatched, unmatchedErrorBlock{Upstream: u.Upstream, Name: u.Name, Place: u.Place})
	}
	doc.Untested = append(doc.Untested, r.Untested...)
	return doc
}

// Previews prints the requests of an account's operations, without its secrets.
func (o *Output) Previews(list []credtest.Preview, asJSON bool) {
	if asJSON {
		o.indentedJSON(previewsJSON(list))
		return
	}
	for i, p := range list {
		if i > 0 {
			o.Out.printf("\n")
		}
		o.Out.printf("%s:\n", p.Operation)
		for _, q := range p.Requests {
			o.previewed(q)
		}
		if p.Note != "" {
			o.Out.printf("  %s\n", p.Note)
		}
	}
}

func (o *Output) previewed(q credtest.PreviewedRequest) {
	o.Out.printf("  %s %s\n", q.Method, q.URL)
	for _, line := range q.Query {
		o.Out.printf("    ? %s\n", line)
	}
	for _, line := range q.Headers {
		o.Out.printf("    %s\n", line)
	}
	for _, line := range q.Form {
		o.Out.printf("    & %s\n", line)
	}
	if q.Body != "" {
		o.Out.printf("    %s\n", q.Body)
	}
}

type preview struct {
	Operation string             `json:"operation"`
	Requests  []previewedRequest `json:"requests"`
	Note      string             `json:"note,omitempty"`
}

type previewedRequest struct {
	Label   string   `json:"label,omitempty"`
	Method  string   `json:"method"`
	URL     string   `json:"url"`
	Query   []string `json:"query"`
	Headers []string `json:"headers"`
	Form    []string `json:"form"`
	Body    string   `json:"body"`
}

func previewsJSON(list []credtest.Preview) any {
	doc := struct {
		FormatVersion string    `json:"format_version"`
		Operations    []preview `json:"operations"`
	}{"1.0", []preview{}}
	for _, p := range list {
		one := preview{Operation: p.Operation, Requests: []previewedRequest{}, Note: p.Note}
		for _, q := range p.Requests {
			one.Requests = append(one.Requests, previewedRequest{
				Label: q.Label, Method: q.Method, URL: q.URL, Query: append([]string{}, q.Query...),
				Headers: append([]string{}, q.Headers...), Form: append([]string{}, q.Form...), Body: q.Body,
			})
		}
		doc.Operations = append(doc.Operations, one)
	}
	return doc
}
