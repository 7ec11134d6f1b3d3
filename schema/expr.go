package schema

import "github.com/zclconf/go-cty/cty"

// Expr is an expression that is evaluated where it is used: what a described upstream
// sends, and what it takes from an answer. Package config implements it; whoever uses it
// knows nothing of HCL.
type Expr interface {
	// Eval evaluates the expression with those values for its root names, such as
	// "self" and "response". Marks that the values of the scope have stay. The error names
	// the expression's place and the names in it, never a value.
	Eval(scope map[string]cty.Value) (cty.Value, error)
	// References are the names that the expression uses, each once, in order: the root
	// and the step after it, as "self.password", "local.why", "response.body"; the root
	// alone where it is used as a whole.
	References() []string
	// Shape is the expression without comments and space: equal for two that mean the
	// same. Prints are made of it.
	Shape() []byte
	// Place is where the expression stands: "acme.hcl:16,22-46".
	Place() string
}
