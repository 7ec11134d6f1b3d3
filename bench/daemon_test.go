//go:build bench

package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/state"
	"github.com/credsync/credsync/testkit/port"
)

// idleFor is how long the daemon is watched while nothing is due.
const idleFor = time.Minute

// daemon measures credsync run: with nothing due, and with many rotations that
// come due at about the same time.
func daemon(t *testing.T, b *table) {
	idleDaemon(t, b)
	punctualDaemon(t, b)
}

// idleDaemon watches a daemon that has looked at all of its accounts.
func idleDaemon(t *testing.T, b *table) {
	f := fleet{provider: "sagi", accounts: *large, form: fromCSV, place: inFiles}
	p := newProcess(t, f.files(), "CREDSYNC_VAR_url="+upstreams(t, f).URL(f.provider))
	p.run("apply", "--auto-approve")
	// The checks that are made though nothing is due are work, so they are
	// put off: they cost one verification and one look at each target.
	d := p.start("run", "--check-every=24h")
	d.awaitReady()
	d.awaitLooked(f.accounts)
	share := d.share(idleFor)
	resident := d.resident()
	d.stop()
	b.add(share <= 0.01, fmt.Sprintf("daemon, %d accounts with nothing due", f.accounts), "≤ 1 % of a core", "%.2f %% of a core, %s", 100*share, megabytes(resident))
}

// punctualDaemon measures how long after it was due each of many rotations is
// committed: the record's file is written last.
func punctualDaemon(t *testing.T, b *table) {
	f := fleet{provider: "sagi", accounts: 50, form: fromCSV, place: inFiles}
	s := upstreams(t, f)
	for i := range f.accounts {
		s.Update(f.provider, f.login(i), func(a *sandbox.Account) { a.TokenLifetime = sandbox.Duration(time.Minute) })
	}
	p := newProcess(t, f.files(), "CREDSYNC_VAR_url="+s.URL(f.provider))
	p.run("apply", "--auto-approve")
	due := p.rotations()
	d := p.start("run", "--check-every=24h")
	d.awaitReady()
	var late []time.Duration
	for address, at := range due {
		late = append(late, p.committed(address, at).Sub(at))
	}
	d.stop()
	worst := slices.Max(late)
	b.add(worst <= time.Second, fmt.Sprintf("rotations of %d accounts that come due together", f.accounts), "done ≤ 1 s after they are due",
		"median %s, worst %s", short(median(late)), short(worst))
}

// rotations are when the accounts are due, by address.
func (p *process) rotations() map[string]time.Time {
	p.tb.Helper()
	cmd := exec.CommandContext(p.tb.Context(), credsync, "status", "--json")
	cmd.Dir, cmd.Env = p.dir, p.env
	out, err := cmd.Output()
	if err != nil {
		p.tb.Fatal(err)
	}
	var d plan.Document
	if err := json.Unmarshal(out, &d); err != nil {
		p.tb.Fatal(err)
	}
	due := map[string]time.Time{}
	for _, a := range d.Accounts {
		if a.RotateAt == nil {
			p.tb.Fatalf("%s is never due", a.Address)
		}
		due[a.Address] = *a.RotateAt
	}
	return due
}

// committed waits for the rotation that was due, and returns when it was done.
func (p *process) committed(address string, due time.Time) time.Time {
	p.tb.Helper()
	path := filepath.Join(p.dir, ".credsync", state.RecordName("default", address)+".json")
	for deadline := due.Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		content, err := os.ReadFile(path)
		if err != nil {
			p.tb.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			p.tb.Fatal(err)
		}
		if info.ModTime().After(due) && !strings.Contains(string(content), `"lease"`) && !strings.Contains(string(content), `"pending"`) {
			return info.ModTime()
		}
	}
	p.tb.Fatalf("%s was not rotated", address)
	return time.Time{}
}

// daemonProcess is a running credsync run.
type daemonProcess struct {
	*process
	cmd    *exec.Cmd
	listen string
}

func (p *process) start(args ...string) *daemonProcess {
	p.tb.Helper()
	d := &daemonProcess{process: p, listen: port.Address(p.tb)}
	d.cmd = exec.CommandContext(p.tb.Context(), credsync, append(args, "--listen="+d.listen)...)
	d.cmd.Dir, d.cmd.Env = p.dir, p.env
	if err := d.cmd.Start(); err != nil {
		p.tb.Fatal(err)
	}
	return d
}

// awaitReady returns when the daemon can do its work.
func (d *daemonProcess) awaitReady() {
	d.tb.Helper()
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		resp, err := http.Get("http://" + d.listen + "/readyz")
		if err != nil {
			continue
		}
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return
		}
	}
	d.tb.Fatal("the daemon was never ready")
}

// awaitLooked returns when the daemon has looked at so many accounts, which it
// takes its time for.
func (d *daemonProcess) awaitLooked(accounts int) {
	d.tb.Helper()
	for deadline := time.Now().Add(10 * time.Minute); time.Now().Before(deadline); time.Sleep(time.Second) {
		resp, err := http.Get("http://" + d.listen + "/metrics")
		if err != nil {
			d.tb.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			d.tb.Fatal(err)
		}
		if strings.Count(string(text), "\ncredsync_next_rotation_timestamp_seconds{") == accounts {
			return
		}
	}
	d.tb.Fatal("the daemon never looked at all accounts")
}

// share is how much of a core the daemon takes.
func (d *daemonProcess) share(over time.Duration) float64 {
	d.tb.Helper()
	before := d.cpu()
	begun := time.Now()
	time.Sleep(over)
	return float64(d.cpu()-before) / float64(time.Since(begun))
}

// cpu is what the daemon has taken up to now.
func (d *daemonProcess) cpu() time.Duration {
	d.tb.Helper()
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", d.cmd.Process.Pid))
	if err != nil {
		d.tb.Fatal(err)
	}
	// The name before ")" may hold anything; user and system time are the 14th
	// and 15th field, in hundredths of a second.
	fields := strings.Fields(string(content[strings.LastIndexByte(string(content), ')')+1:]))
	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			d.tb.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// resident is the daemon's peak memory, in bytes.
func (d *daemonProcess) resident() int64 {
	d.tb.Helper()
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid))
	if err != nil {
		d.tb.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(content), "VmHWM:")
	var kilobytes int64
	if _, err := fmt.Sscan(rest, &kilobytes); err != nil {
		d.tb.Fatal(err)
	}
	return kilobytes << 10
}

func (d *daemonProcess) stop() {
	d.tb.Helper()
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	if err := d.cmd.Wait(); err != nil {
		d.tb.Errorf("the daemon ended with %v", err)
	}
}
