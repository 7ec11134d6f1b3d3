// Package browser tries the status page in a real browser: what it shows, that
// it acts and fetches nothing, and that it can be read on a phone. It is a
// module of its own, so that what drives the browser is no dependency of the
// product; "make acceptance" runs it.
package browser

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience bounds whatever is done in one tab.
const patience = 90 * time.Second

// find returns the browser. Its absence is a failure: a test that is left out
// unseen tests nothing.
func find(t *testing.T) string {
	t.Helper()
	names := []string{"chromium", "chromium-browser", "google-chrome-stable", "google-chrome"}
	if bin := os.Getenv("CHROMIUM_BIN"); bin != "" {
		names = []string{bin}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatalf("no browser among %s; install one with: make servers (Debian: apt-get install chromium), or set CHROMIUM_BIN to it", strings.Join(names, ", "))
	return ""
}

// start starts a browser, with a new profile, that keeps to itself.
func start(t *testing.T) context.Context {
	t.Helper()
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(find(t)), chromedp.Headless, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.WSURLReadTimeout(patience),
	}
	if os.Getuid() == 0 {
		// The browser's own sandbox does not work for root.
		options = append(options, chromedp.NoSandbox)
	}
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	browser, stop := chromedp.NewContext(allocator)
	t.Cleanup(stop)
	if err := chromedp.Do(browser); err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	return browser
}

// tab is one tab, and what it did besides showing the page.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	trouble  []string
	requests []string
}

// open shows an address in a tab of that width, after what else is to be done.
func open(t *testing.T, browser context.Context, url string, width int64, before ...step) *tab {
	t.Helper()
	ctx, stop := chromedp.NewContext(browser)
	t.Cleanup(stop)
	v := &tab{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, v.listen); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	steps := []step{
		command(network.Enable, network.EnableParams{}), command(log.Enable, cdp.Empty{}),
		command(runtime.Enable, cdp.Empty{}), command(page.Enable, page.EnableParams{}),
		chromedp.EmulateViewport(width, 900),
	}
	v.do(append(append(steps, before...), chromedp.Navigate(url))...)
	return v
}

// step is something that a tab is told to do.
type step = chromedp.Action[chromedp.Void]

// command is a command of the protocol as a step.
func command[P, R any](c cdp.Command[P, R], params P) step {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, c, params)
		return err
	})
}

func (v *tab) do(steps ...step) {
	v.t.Helper()
	ctx, stop := context.WithTimeout(v.ctx, patience)
	defer stop()
	if err := chromedp.Do(ctx, steps...); err != nil {
		v.t.Fatalf("in the browser: %v", err)
	}
}

func (v *tab) listen(event any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		v.trouble = append(v.trouble, fmt.Sprintf("console.%s", e.Type))
	case *runtime.EventExceptionThrown:
		v.trouble = append(v.trouble, "exception: "+e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		v.trouble = append(v.trouble, fmt.Sprintf("%s %s: %s", e.Entry.Source, e.Entry.Level, e.Entry.Text))
	case *page.EventJavascriptDialogOpening:
		v.trouble = append(v.trouble, "dialog: "+e.Message)
	case *network.EventRequestWillBeSent:
		v.requests = append(v.requests, e.Request.URL)
	}
}

// seen returns what happened until now. An evaluation goes first, so that what
// the page caused before has been reported.
func (v *tab) seen() (trouble, requests []string) {
	v.t.Helper()
	evaluate[int](v, "1")
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.trouble, v.requests
}

// evaluate runs an expression in the page and returns its value.
func evaluate[T any](v *tab, expression string) T {
	v.t.Helper()
	ctx, stop := context.WithTimeout(v.ctx, patience)
	defer stop()
	result, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		v.t.Fatalf("evaluate in the browser: %v", err)
	}
	return result
}

// screenshot keeps a picture of the whole page where BROWSER_SCREENSHOTS names
// a folder, for a person to look at.
func (v *tab) screenshot(name string) {
	v.t.Helper()
	dir := os.Getenv("BROWSER_SCREENSHOTS")
	if dir == "" {
		return
	}
	ctx, stop := context.WithTimeout(v.ctx, patience)
	defer stop()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644)
	}
	if err != nil {
		v.t.Fatal(err)
	}
}

// dark asks the page for its dark colours.
func dark() step {
	return command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}},
	})
}
