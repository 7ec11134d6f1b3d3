//go:build acceptance && soak

package outage

import (
	"syscall"
	"testing"

	"github.com/credsync/credsync/testkit/servers"
)

// A laptop is closed while the upstream answers. By the time that it is opened
// the lease has run out, another machine has taken the account over, and what
// the sleeper still wants to write must not get through.
func TestSoakSuspendedHolderWritesNothing(t *testing.T) {
	v := servers.Vault(t)
	w := inVault(t, v, v.Address)
	asleep := w.applyUntilLogin(func() {})
	asleep.signal(syscall.SIGSTOP)
	// The other one waits for the lease to run out, which takes two minutes.
	w.apply(0, "1 issued")
	w.wantLogins(2)
	token := v.ReadKV2("secret", "shop/sagi")["access_token"]
	w.wantLive(token)
	asleep.signal(syscall.SIGCONT)
	asleep.ends(1, "Apply incomplete")
	if v.ReadKV2("secret", "shop/sagi")["access_token"] != token {
		t.Error("the sleeper wrote the target")
	}
	w.apply(0, "0 issued, 0 refreshed, 0 reissued, 0 delivered")
	w.wantLogins(2)
	if files := w.emergencyFiles(); len(files) != 0 {
		t.Errorf("emergency files are left: %v", files)
	}
}
