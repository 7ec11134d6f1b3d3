package browser

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// program is the real credsync, in a folder of its own, with the sandbox for
// its upstreams.
type program struct {
	t    *testing.T
	bin  string
	dir  string
	urls map[string]string
}

func build(t *testing.T, configuration string) *program {
	t.Helper()
	p := &program{t: t, bin: t.TempDir(), dir: t.TempDir()}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", p.bin+string(filepath.Separator), "./cmd/credsync", "./cmd/credsync-sandbox")
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	if err := os.WriteFile(filepath.Join(p.dir, "main.hcl"), []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	p.startSandbox()
	return p
}

func (p *program) startSandbox() {
	p.t.Helper()
	file := filepath.Join(p.bin, "urls.json")
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, "credsync-sandbox"), "--url-file", file)
	if err := cmd.Start(); err != nil {
		stop()
		p.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	p.t.Cleanup(func() { stop(); <-ended })
	deadline := time.Now().Add(patience)
	for {
		// It is written whole, so it is there or not.
		if b, err := os.ReadFile(file); err == nil {
			if err := json.Unmarshal(b, &p.urls); err != nil {
				p.t.Fatal(err)
			}
			return
		}
		select {
		case <-ended:
			p.t.Fatal("the sandbox has ended")
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			p.t.Fatal("the sandbox does not start")
		}
	}
}

// run runs a command, and wants it to end with that code.
func (p *program) run(code int, args ...string) {
	p.t.Helper()
	cmd := exec.CommandContext(p.t.Context(), filepath.Join(p.bin, "credsync"), args...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "CREDSYNC_VAR_sagi_url="+p.urls["sagi"], "CREDSYNC_VAR_invoicebox_url="+p.urls["invoicebox"])
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	got := 0
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		p.t.Fatal(err)
	}
	if got != code {
		p.t.Fatalf("%v: exit code %d, want %d\n%s", args, got, code, out)
	}
}

func (p *program) page() string { return "file://" + filepath.Join(p.dir, "status.html") }

func TestPageOfRealAccountsIsShownFromItsFile(t *testing.T) {
	p := build(t, `
credsync {
  project  = "shop"
  schedule = "*/10 * * * *"
}
variable "sagi_url" {}
variable "invoicebox_url" {}
sink "file" "out" {
  dir = "out"
}
account "invoicebox" "billing" {
  base_url     = var.invoicebox_url
  token        = "b37c4c689295904ed21eee5d9a48d42e"
  remind_after = "20d"
  deliver "file" "out" {
    path = "billing.json"
  }
}
account "sagi" "coffee" {
  base_url = var.sagi_url
  phone    = "business_user@example.com"
  password = "secure_password"
  deliver "file" "out" {
    path = "coffee.json"
  }
}
account "sagi" "wrong" {
  for_each = toset(["<script>alert(1)</script>"])
  base_url = var.sagi_url
  phone    = "business_user@example.com"
  password = "wr0ng-passw0rd"
  deliver "file" "out" {
    path = "wrong.json"
  }
}
`)
	p.run(3, "apply", "--auto-approve")
	p.run(2, "status", "--exit-code", "--html", "status.html")
	info, err := os.Stat(filepath.Join(p.dir, "status.html"))
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Fatalf("the page's file: %v, %v", info, err)
	}
	browser := start(t)
	for name, width := range widths {
		t.Run(name, func(t *testing.T) {
			v := open(t, browser, p.page(), width)
			v.screenshot("real-" + name)
			checkQuiet(t, v, p.page())
			if n := evaluate[int](v, overflow); n > 0 {
				t.Errorf("the page is %d pixels too wide", n)
			}
			text := evaluate[string](v, `document.body.innerText`)
			for _, want := range []string{
				"1 critical", "1 warning", "1 ok", "credsync apply --replace 'sagi.wrong[\"<script>alert(1)</script>\"]'",
				"credentials_rejected", "replace by", "next run in ",
			} {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not on the page:\n%s", want, text)
				}
			}
			for _, secret := range []string{"secure_password", "wr0ng-passw0rd", "b37c4c689295904ed21eee5d9a48d42e", "eyJ"} {
				if strings.Contains(evaluate[string](v, `document.documentElement.outerHTML`), secret) {
					t.Errorf("the page shows the secret %q", secret)
				}
			}
		})
	}
}

func TestPageOfTenThousandAccountsOpensOnAPhone(t *testing.T) {
	p := build(t, `
variable "sagi_url" {}
sink "file" "out" {
  dir = "out"
}
account "sagi" "shop" {
  for_each = toset([for p in setproduct(range(100), range(100)) : format("%02d%02d", p[0], p[1])])
  base_url = var.sagi_url
  phone    = each.key
  password = "x"
  deliver "file" "out" {
    path = "${each.key}.json"
  }
}
`)
	p.run(1, "status", "--exit-code", "--html", "status.html")
	v := open(t, start(t), p.page(), 360)
	v.screenshot("many")
	checkQuiet(t, v, p.page())
	if text := evaluate[string](v, `document.body.innerText`); !strings.Contains(text, "10000 accounts") || !strings.Contains(text, "9900 more need attention") {
		t.Errorf("the page does not say how many there are:\n%.2000s", text)
	}
	evaluate[int](v, `document.querySelectorAll("details").forEach(d => d.open = true), 0`)
	if n := evaluate[int](v, overflow); n > 0 {
		t.Errorf("unfolded, the page is %d pixels too wide", n)
	}
	if n := evaluate[int](v, `document.querySelectorAll("*").length`); n > 15_000 {
		t.Errorf("the page has %d elements", n)
	}
}
