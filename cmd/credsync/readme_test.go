//go:build unix

package main

import "testing"

// The first example of the README is followed like a guide. With -update its
// output is written.
func TestTheFirstExampleOfTheReadme(t *testing.T) {
	g := newGuide(t, "../../README.md")
	g.part = "A first account, without one of your own"
	g.run()
}
