package doctor_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/doctor"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/memorysink"
)

func TestClockIsComparedWithEveryServer(t *testing.T) {
	const ours, theirs = "Synchronize this machine's clock", "that server's clock is probably wrong"
	for name, c := range map[string]struct {
		off  []time.Duration
		want []string
	}{
		"right":               {[]time.Duration{0}, []string{"ok clock this machine: agrees with 1 server within 5s"}},
		"a little off":        {[]time.Duration{3 * time.Second}, []string{"ok clock this machine"}},
		"ahead":               {[]time.Duration{2 * time.Hour}, []string{"warning clock … its clock is 2h … ahead of this machine's … " + ours}},
		"ahead, asked slowly": {[]time.Duration{2*time.Hour - 3*time.Second}, []string{"warning clock … its clock is 2h … ahead of this machine's … " + ours}},
		"behind":              {[]time.Duration{-10 * time.Minute}, []string{"warning clock … its clock is 10m … behind this machine's … " + ours}},
		"one of two is off":   {[]time.Duration{0, time.Hour}, []string{"warning clock 127.0.0.1 … " + theirs, "ok clock this machine: agrees with 1 server"}},
		"this one is, of 3":   {[]time.Duration{time.Hour, time.Hour, time.Hour}, []string{ours, ours, ours}},
		"two agree with us":   {[]time.Duration{0, 0}, []string{"agrees with 2 servers within 5s"}},
		"nobody can be asked": {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			hcl := ""
			for i, off := range c.off {
				hcl += sagi(fmt.Sprint("a", i), serve(t, off), "")
			}
			expect(t, newWorld(t).examine(hcl), doctor.Clock, c.want...)
		})
	}
}

func TestUpstreamsCertificateIsLookedAt(t *testing.T) {
	const day = 24 * time.Hour
	// The day that is told is that of the certificate, though midnight may come
	// in between.
	now := time.Now()
	soon, late := now.Add(6*day), now.Add(90*day)
	for name, c := range map[string]struct {
		ends    time.Time
		trusted bool
		want    []string
	}{
		"good":             {late, true, []string{"ok upstreams 127.0.0.1 … TLS 1.3, certificate until " + late.UTC().Format(time.DateOnly)}},
		"ends within days": {soon, true, []string{"warning upstreams 127.0.0.1 … its TLS certificate expires at " + soon.UTC().Format(time.DateOnly) + " … Ask the upstream when it will renew … account.sagi.a (", "ok upstreams"}},
		"has ended":        {now.Add(-time.Hour), true, []string{"failed upstreams 127.0.0.1 … has expired or is not valid yet -> Check this machine's clock"}},
		"unknown":          {late, false, []string{"failed upstreams 127.0.0.1 … unknown authority … http.ca_pem"}},
	} {
		t.Run(name, func(t *testing.T) {
			url, certificate := serveTLS(t, c.ends)
			more := ""
			if c.trusted {
				more = fmt.Sprintf("http { ca_pem = %q }", certificate)
			}
			expect(t, newWorld(t).examine(sagi("a", url, more)), doctor.Upstreams, c.want...)
		})
	}
}

// Every host that an account's requests go to is tried, each way once.
func TestEveryEndpointIsTried(t *testing.T) {
	bank := func(base, key string) string {
		return fmt.Sprintf(`
account "bereke" "bank" {
  base_url       = %q
  public_key_url = %q
  username       = "u"
  password       = "canary-password"
  deliver "memory" "main" { path = "bank" }
}
`, base, key)
	}
	up := serve(t, 0)
	expect(t, newWorld(t).examine(bank(up, up+"/key")), doctor.Upstreams, "ok upstreams "+strings.TrimPrefix(up, "http://"))
	down := closedURL(t)
	r := newWorld(t).examine(bank(up, down+"/key") + sagi("a", up, ""))
	want := []string{
		"failed upstreams " + strings.TrimPrefix(down, "http://") + ": cannot connect … Check public_key_url, … Used by account.bereke.bank as public_key_url (",
		"ok upstreams " + strings.TrimPrefix(up, "http://"),
	}
	if lines(r, doctor.Upstreams)[0][:2] == "ok" {
		want[0], want[1] = want[1], want[0]
	}
	expect(t, r, doctor.Upstreams, want...)
}

func TestUpstreamThatDoesNotAnswerIsGivenUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	w := newWorld(t)
	w.timeout = 50 * time.Millisecond
	expect(t, w.examine(sagi("a", "http://"+l.Addr().String(), "")+sagi("b", closedURL(t), "enabled = false")), doctor.Upstreams, "failed upstreams … no answer in time")
}

func TestTargetsPermissionsAreAskedFor(t *testing.T) {
	url := serve(t, 0)
	hcl := sagi("a", url, "") + sagi("b", url, "")
	deny := func(path string, err error) func(string, sinks.Target) error {
		return func(op string, target sinks.Target) error {
			if op == memorysink.Preflight && target.Path == path {
				return err
			}
			return nil
		}
	}
	for name, c := range map[string]struct {
		fail func(string, sinks.Target) error
		want []string
	}{
		"allowed": {nil, []string{"ok targets memory.main memory/a: can be written", "ok targets memory.main memory/b: can be written"}},
		"one denied": {deny("b", fmt.Errorf("write memory/b: %w; allow it", sinks.ErrDenied)),
			[]string{"ok targets memory.main memory/a", "failed targets memory.main memory/b: write memory/b: … permission denied -> Allow it."}},
		"for no reason": {deny("a", errors.New("no")),
			[]string{"failed targets memory.main memory/a: no -> Make the location writable", "ok targets memory.main memory/b"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.sinks["main"].Fail = c.fail
			r := w.examine(hcl)
			expect(t, r, doctor.Targets, append([]string{}, c.want...)...)
			if r.Broken() != (c.fail != nil) {
				t.Errorf("broken: %t", r.Broken())
			}
		})
	}
}

func TestStateMustBeReadableAndWritable(t *testing.T) {
	failing := func(of ...string) func(string, sinks.Target) error {
		return func(op string, _ sinks.Target) error {
			for _, o := range of {
				if o == op {
					return errors.New("the disk is full")
				}
			}
			return nil
		}
	}
	for name, c := range map[string]struct {
		fail func(string, sinks.Target) error
		want []string
	}{
		"no failure": {nil, []string{"ok state memory/state: can be written", "ok state memory/state: can be read: 0 records"}},
		"unwritable": {failing(memorysink.Preflight), []string{"failed state memory/state: the disk is full -> Make the location writable", "ok state memory/state: can be read"}},
		"unreadable": {failing(memorysink.List, memorysink.Read), []string{"ok state memory/state: can be written", "failed state memory/state … the disk is full -> Make the location readable"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.sinks["state"].Fail = c.fail
			expect(t, w.examine(sagi("a", serve(t, 0), "")), doctor.State, c.want...)
		})
	}
}

func TestScheduleMustServeEveryAccount(t *testing.T) {
	url := serve(t, 0)
	for schedule, want := range map[string][]string{
		"*/10 * * * *": {"ok configuration configuration", "ok configuration schedule */10 * * * *: serves every account, next run at 2026-03-01 12:10 UTC"},
		"0 3 1 * *":    {"warning configuration account.sagi.a: The schedule is too slow for this token (", "ok configuration configuration"},
		"":             {"ok configuration configuration: valid (1 account, project default)"},
	} {
		t.Run(schedule, func(t *testing.T) {
			w := newWorld(t)
			w.now = func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }
			hcl := sagi("a", url, "")
			if schedule != "" {
				hcl += fmt.Sprintf("credsync { schedule = %q }\n", schedule)
			}
			expect(t, w.examine(hcl), doctor.Configuration, want...)
		})
	}
}
