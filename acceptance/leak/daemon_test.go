package leak

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/testkit/output"
)

// daemon is credsync run at work.
type daemon struct {
	h   *hunt
	cmd *exec.Cmd
	// out is what it prints, by both ways.
	out   output.Buffer
	at    string
	ended chan error
}

// listening finds the address in the log, be it text or JSON.
var listening = regexp.MustCompile(`address"?[=:]"?(127\.0\.0\.1:\d+)`)

func (h *hunt) daemon(args ...string) *daemon {
	h.t.Helper()
	d := &daemon{h: h, ended: make(chan error, 1)}
	d.cmd = exec.Command(program, append(append([]string{"run", "--listen", "127.0.0.1:0"}, args...), h.args...)...)
	d.cmd.Dir, d.cmd.Env, d.cmd.Stdout, d.cmd.Stderr = h.path("work"), h.env, &d.out, &d.out
	h.must(d.cmd.Start())
	go func() { d.ended <- d.cmd.Wait() }()
	h.t.Cleanup(func() { _ = d.cmd.Process.Kill() })
	d.await("an address", func() bool {
		if found := listening.FindSubmatch(d.out.Bytes()); found != nil {
			d.at = string(found[1])
		}
		return d.at != ""
	})
	return d
}

func (d *daemon) await(what string, there func() bool) {
	d.h.t.Helper()
	for deadline := time.Now().Add(time.Minute); !there(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			d.h.t.Fatalf("after a minute there is not %s; it said:\n%s", what, d.out.Bytes())
		}
	}
}

func (d *daemon) get(path string) string {
	d.h.t.Helper()
	resp, err := http.Get("http://" + d.at + path)
	d.h.must(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	d.h.must(err)
	return fmt.Sprintln(resp.Status, resp.Header) + string(body)
}

// searchAll searches everything that it serves, prints and leaves.
func (d *daemon) searchAll(what string) {
	d.h.t.Helper()
	for _, path := range []string{"/", "/metrics", "/healthz", "/readyz", "/nowhere"} {
		d.h.search(what+": credsync run: "+path, []byte(d.get(path)))
	}
	d.h.search(what+": credsync run: its log", d.out.Bytes())
	d.h.searchFiles(what + ": credsync run")
}

// stop ends it as an orchestrator does.
func (d *daemon) stop(what string) {
	d.h.t.Helper()
	d.h.must(d.cmd.Process.Signal(syscall.SIGTERM))
	if err := <-d.ended; err != nil {
		d.h.t.Errorf("%s: credsync run: %v", what, err)
	}
	d.h.search(what+": credsync run: its log", d.out.Bytes())
	d.h.searchFiles(what + ": credsync run, stopped")
}

// TestNothingLeaksByTheDaemon searches what the daemon logs and serves while it
// rotates, while upstreams repeat what they are sent, and while the
// configuration is broken.
func TestNothingLeaksByTheDaemon(t *testing.T) {
	inTheWholeHunt(t)
	e := newEstate(t)
	e.prosper()
	for _, format := range []string{"text", "json"} {
		for _, a := range e.sandbox.Accounts() {
			e.sandbox.Update(
				a.Upstream,
				a.Name,
				func(a *sandbox.Account) { a.TokenLifetime = sandbox.Duration(5 * time.Second) },
			)
		}
		before := e.sandbox.Counters("sagi", e.Secret("sagi.phone")).Refreshes.Accepted
		d := e.daemon("--check-every", "1s", "--log-format", format)
		e.run("short tokens", "apply", "--auto-approve", "--replace", "sagi.slots")
		d.await("a rotation", func() bool {
			return e.sandbox.Counters("sagi", e.Secret("sagi.phone")).Refreshes.Accepted > before
		})
		e.addTokens()
		d.searchAll("all is well, " + format)

		e.front.answerWith(&secretEcho{"texts at 401", echoForms[0].form, inTexts(401)})
		d.await("a failure", func() bool { return strings.Contains(d.get("/metrics"), "credsync_failures_total{") })
		d.searchAll("hostile, " + format)
		e.front.answerWith(nil)

		broken := e.write("account \"sagi\" \"x\" {\n  password = \""+e.Word("broken password")+"\n", "config", "broken.hcl")
		d.await("a refusal of the configuration", func() bool { return strings.Contains(d.get("/metrics"), "reload_successful 0") })
		d.searchAll("broken configuration, " + format)
		e.must(os.Remove(broken))
		d.stop(format)
	}
}
