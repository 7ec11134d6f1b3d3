package providertest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

// WantClass fails the test unless err is of that class and reason, and returns
// it as what it is.
func WantClass(t *testing.T, err error, class failure.Class, reason failure.Reason) *failure.Error {
	t.Helper()
	var e *failure.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want class %q", err, class)
	}
	if e.Class != class || e.Reason != reason {
		t.Errorf("class %q, reason %q; want %q, %q: %v", e.Class, e.Reason, class, reason, e)
	}
	return e
}

// CheckAttributes tries out the Checks of attributes: pairs of a name and a
// value, those to be accepted and those to be refused. What is refused must not
// be quoted if it is sensitive.
func CheckAttributes(t *testing.T, spec *providers.Spec, accepted, refused [][2]string) {
	t.Helper()
	test := func(pair [2]string, ok bool) {
		name, value := pair[0], pair[1]
		t.Run(fmt.Sprintf("%s %q", name, value), func(t *testing.T) {
			a, _ := spec.Block().Attribute(name)
			err := try(&a, cty.StringVal(value))
			if (err == nil) != ok {
				t.Errorf("got %v, want ok = %v", err, ok)
			}
			if err != nil && a.Sensitive && value != "" && strings.Contains(err.Error(), value) {
				t.Error("the error quotes the value")
			}
		})
	}
	for _, pair := range accepted {
		test(pair, true)
	}
	for _, pair := range refused {
		test(pair, false)
	}
}

// try does with a value what loading a configuration does.
func try(a *schema.Attribute, v cty.Value) error {
	if fault := a.TextFault(v); fault != schema.NoTextFault && fault != schema.SurroundingSpace {
		return errors.New(fault.String())
	}
	if len(a.OneOf) > 0 && !slices.Contains(a.OneOf, v.AsString()) {
		return fmt.Errorf("it is not one of %q", a.OneOf)
	}
	if a.Check == nil {
		return nil
	}
	return a.Check(v)
}
