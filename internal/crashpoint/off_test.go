//go:build !crashpoints

package crashpoint

import (
	"net/http"
	"os"
	"strings"
	"testing"
)

// A program that is shipped must not end itself because a variable says so.
func TestNothingOfItIsInAnOrdinaryBuild(t *testing.T) {
	if got := Transport(http.DefaultTransport); got != http.DefaultTransport {
		t.Error("a connection is wrapped")
	}
	for name, tag := range map[string]string{"on.go": "//go:build crashpoints && unix", "off.go": "//go:build !crashpoints"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(b), tag+"\n") {
			t.Errorf("%s does not begin with %s", name, tag)
		}
	}
}
