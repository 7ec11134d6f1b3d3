//go:build acceptance

package crash

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// inMatrix is all of the matrix, but that outages of the state, what watches over
// the work and what has little to do with the upstream are tried with one only.
func inMatrix(p provider, a action) bool {
	if p.kind != "" {
		return describedInMatrix(p, a)
	}
	extra := a.inFiles || a.watched || a.anyUpstream
	return !extra || p.account.Upstream == "bifit_kassa" && !a.soak
}

// describedInMatrix is one description for each way in which a token comes, is replaced,
// revoked or refused. What goes on around it is the same for all; the soak tests have the
// rest.
func describedInMatrix(p provider, a action) bool {
	switch p.kind + "/" + a.name {
	case "http/issue", "veeva/issue", "github_app/issue", "github_app/reissue", "veeva/reissue and revoke",
		"github_app/replace and revoke", "loyalty_strict/refresh", "loyalty_graceful/refresh",
		"gitlab_rotating_token/refresh", "gitlab_rotating_token/refresh that is refused", "static/blocked":
		return true
	}
	return a.loses
}

// interruptedInMatrix is one upstream for each way to get a token: a login that kills the
// token before it, a refresh that works once, and one that does not.
func interruptedInMatrix(p provider, a action) bool {
	switch p.account.Upstream + "/" + a.name {
	case "bereke/reissue", "bifit_kassa/refresh", "bifit_kassa/log in with a code", "sagi/authenticate":
		return true
	}
	return false
}

// The variables that kill the program under test must mean nothing to one that
// is shipped.
func TestNothingOfItIsInAShippedProgram(t *testing.T) {
	shipped := filepath.Join(t.TempDir(), "credsync")
	if out, err := exec.Command("go", "build", "-o", shipped, "../../cmd/credsync").CombinedOutput(); err != nil {
		t.Fatalf("build credsync: %v\n%s", err, out)
	}
	for path, want := range map[string]bool{shipped: false, program: true} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Contains(b, []byte("CREDSYNC_CRASHPOINTS_")); got != want {
			t.Errorf("%s names the variables: %t", path, got)
		}
	}
}
