package config

import (
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// Each of these would take years. The function tick returns what it is given.
var endless = map[string]string{
	"loops in loops":         `[for a in l : [for b in l : [for c in l : [for d in l : tick(a + d)]]]]`,
	"in keys":                `{ for a in l : join("", [for b in l : "${length([for c in l : tick(c)])}"]) => [for b in l : [for c in l : a]]... }`,
	"in conditions":          `[for a in l : a if length([for b in l : b if length([for c in l : c if length([for d in l : tick(d)]) > 0]) > 0]) > 0]`,
	"in templates":           `"%{ for a in l }%{ for b in l }%{ for c in l }%{ for d in l }%{ if tick(a) == d }x%{ endif }%{ endfor }%{ endfor }%{ endfor }%{ endfor }"`,
	"on lines of their own":  "[\n  for\n  a in l : [for b in l : [for c in l : [for\td in l : tick(d)]]]\n]",
	"in the list of another": `[for a in [for b in l : length([for c in l : length([for d in l : length([for e in l : tick(e)])])])] : a]`,
	"with a comment in it":   `[for/* each */ a in l : [for b in l : [for c in l : [for d in l : tick(d)]]]]`,
}

func TestLoopsEndOnceTheEvaluationWasGivenUp(t *testing.T) {
	var numbers []cty.Value
	for n := range int64(1000) {
		numbers = append(numbers, cty.NumberIntVal(n))
	}
	for name, src := range endless {
		t.Run(name, func(t *testing.T) {
			const most = 1500
			var over atomic.Bool
			var ticks atomic.Int64
			expr := parsedExpression(t, src, &over)
			if refs := expr.Variables(); len(refs) == 0 || refs[0].RootName() != "l" {
				t.Fatalf("the references in the loop are %v", refs)
			}
			ctx := loopContext(func() { over.Store(ticks.Add(1) >= most) })
			ctx.Variables = map[string]cty.Value{"l": cty.ListVal(numbers)}
			var problems hcl.Diagnostics
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_, problems = expr.Value(ctx)
			}()
			select {
			case <-ended:
			case <-time.After(time.Minute):
				t.Fatal("it goes on")
			}
			if ticks.Load() != most {
				t.Errorf("%d steps were made, %d before it was given up", ticks.Load(), most)
			}
			if problems.HasErrors() {
				t.Errorf("a mistake is reported of what was given up: %s", problems)
			}
		})
	}
}

// Templates in JSON are parsed where they are evaluated, in texts and in names.
func TestLoopsInJSONEndOnceTheEvaluationWasGivenUp(t *testing.T) {
	var numbers []cty.Value
	for n := range int64(1000) {
		numbers = append(numbers, cty.NumberIntVal(n))
	}
	wrappings := map[string]func(string) any{
		"text":           func(s string) any { return s },
		"in a list":      func(s string) any { return []any{1, []any{nil, s}} },
		"in an object":   func(s string) any { return map[string]any{"a": map[string]any{"b": s}} },
		"as a name":      func(s string) any { return map[string]any{s: true} },
		"beside a plain": func(s string) any { return []any{"for ever", s} },
	}
	for name, src := range endless {
		for where, wrap := range wrappings {
			t.Run(name+"/"+where, func(t *testing.T) {
				const most = 100
				var over atomic.Bool
				var ticks atomic.Int64
				template := "${" + src + "}"
				if text, isText := strings.CutPrefix(src, `"`); isText {
					template = strings.TrimSuffix(text, `"`)
				}
				text, err := json.Marshal(map[string]any{"x": wrap(template)})
				if err != nil {
					t.Fatal(err)
				}
				ctx := loopContext(func() { over.Store(ticks.Add(1) >= most) })
				ctx.Variables = map[string]cty.Value{"l": cty.ListVal(numbers)}
				l := &loader{report: newReporter(), over: &over}
				ended := make(chan bool)
				go func() {
					_, ok := l.value(jsonAttribute(t, text), scope{ctx: ctx}, false)
					ended <- ok
				}()
				select {
				case ok := <-ended:
					if ok || len(l.report.list()) > 0 {
						t.Errorf("a value is given: %v; a mistake is reported of what was given up: %v", ok, l.report.list())
					}
				case <-time.After(time.Minute):
					t.Fatal("it goes on")
				}
				if ticks.Load() != most {
					t.Errorf("%d steps were made, %d before it was given up", ticks.Load(), most)
				}
			})
		}
	}
}

func TestLoopsInJSONThatEndGiveWhatTheyDescribe(t *testing.T) {
	l := &loader{report: newReporter(), over: new(atomic.Bool)}
	expr := jsonAttribute(t, []byte(`{"x": {"${join(\"\", [for n in [1, 2] : \"k${n}\"])}": ["for", "${[for n in [1, 2] : n * 10]}", null, 3]}}`))
	v, ok := l.value(expr, scope{ctx: loopContext(func() {})}, false)
	if !ok {
		t.Fatal(l.report.list())
	}
	got, err := ctyjson.Marshal(v, v.Type())
	if diff := cmp.Diff(`{"k1k2":["for",[10,20],null,3]}`, string(got)); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// jsonAttribute is the attribute x of a file in JSON.
func jsonAttribute(t *testing.T, text []byte) hcl.Expression {
	t.Helper()
	file, problems := parseSource("a.hcl.json", text)
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	attrs, problems := file.Body.JustAttributes()
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	return attrs["x"].Expr
}

// A loop gives what it would without being stoppable.
func TestLoopsThatEndByThemselvesGiveWhatTheyDescribe(t *testing.T) {
	expr := parsedExpression(t, `{ for k, v in { a = 1, b = 2, c = 3 } : "${k}!" => [for n in [v, v * 10] : "${k}${n}"] if v != 2 }`, new(atomic.Bool))
	v, problems := expr.Value(loopContext(func() {}))
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	got, err := ctyjson.Marshal(v, v.Type())
	if diff := cmp.Diff(`{"a!":["a1","a10"],"c!":["c3","c30"]}`, string(got)); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func parsedExpression(t *testing.T, src string, over *atomic.Bool) hcl.Expression {
	t.Helper()
	file, problems := parseSource("a.hcl", []byte("x = "+src+"\n"))
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	makeStoppable(file, over)
	return file.Body.(*hclsyntax.Body).Attributes["x"].Expr
}

// loopContext has what the loops call; tick is told of each step.
func loopContext(tick func()) *hcl.EvalContext {
	return &hcl.EvalContext{Functions: map[string]function.Function{
		"length": stdlib.LengthFunc, "join": stdlib.JoinFunc,
		"tick": function.New(&function.Spec{
			Params: []function.Parameter{{Name: "n", Type: cty.Number}}, Type: function.StaticReturnType(cty.Number),
			Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { tick(); return args[0], nil },
		}),
	}}
}
