package sinks_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/credsync/credsync/sinks"
)

func denial(location, act string, rules ...string) *sinks.Denial {
	return &sinks.Denial{
		Op: "write", Locations: []string{location}, Where: "in Kubernetes at https://k", Who: "bob",
		Acts: []string{act}, Needs: "its Role in namespace shop needs", Rules: rules,
	}
}

// What several targets lack is told in one block, once.
func TestDenialsAreToldTogether(t *testing.T) {
	a := fmt.Errorf("k8ssecret.shop: %w", denial("shop/a", "create secrets", "- create", "- get: a\n  more"))
	b := fmt.Errorf("k8ssecret.shop: %w", denial("shop/b", "create secrets", "- create", "- get: b"))
	elsewhere := fmt.Errorf("k8ssecret.other: %w", denial("shop/b", "create secrets", "- create"))
	gone := errors.New("no such namespace")
	err := sinks.Together(nil, a, gone, b, elsewhere, gone)
	const want = `k8ssecret.shop: write shop/a, shop/b in Kubernetes at https://k: permission denied: bob may not create secrets; its Role in namespace shop needs
  - create
  - get: a
    more
  - get: b
no such namespace
k8ssecret.other: write shop/b in Kubernetes at https://k: permission denied: bob may not create secrets; its Role in namespace shop needs
  - create`
	if got := err.Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if !errors.Is(err, sinks.ErrDenied) || !errors.Is(err, gone) {
		t.Error("the class is lost")
	}
	if strings.Contains(a.Error(), "shop/b") {
		t.Error("what was combined has changed")
	}
	if _, first := sinks.Combined([]error{nil, a, gone, b}); fmt.Sprint(first) != "[1 2]" {
		t.Errorf("first = %v", first)
	}
	if sinks.Together(nil, nil) != nil {
		t.Error("an error of nothing")
	}
}

// A sink that does not know what was tried says only what is needed.
func TestDenialWithoutActs(t *testing.T) {
	d := &sinks.Denial{Op: "write", Locations: []string{"shop/a"}, Where: "in Vault at https://v", Needs: "the token's policy needs", Rules: []string{`path "shop/a" { }`}}
	const want = "write shop/a in Vault at https://v: permission denied; the token's policy needs\n  path \"shop/a\" { }"
	if got := d.Error(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
