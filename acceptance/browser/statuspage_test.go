package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
)

// golden is the page with an account of every kind, which the tests of
// render keep.
const golden = "../../render/testdata/TestPageShowsEveryState.golden"

// everyState serves it as the program does, with its policy as a header.
func everyState(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, string(b))
}

func serve(t *testing.T, html string) string {
	t.Helper()
	found := regexp.MustCompile(`http-equiv="Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(html)
	if found == nil {
		t.Fatal("the page has no policy")
	}
	policy := strings.NewReplacer("&#39;", "'", "&#43;", "+").Replace(found[1])
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", policy+"; frame-ancestors 'none'")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(html))
	}))
	t.Cleanup(server.Close)
	return server.URL + "/"
}

// widths are those of a phone and of a desktop, in CSS pixels.
var widths = map[string]int64{"phone": 360, "desktop": 1280}

const overflow = `document.documentElement.scrollWidth - document.documentElement.clientWidth`

func TestPageCausesNoTroubleAndFetchesNothing(t *testing.T) {
	browser := start(t)
	for name, width := range widths {
		t.Run(name, func(t *testing.T) {
			url := everyState(t)
			v := open(t, browser, url, width)
			v.screenshot("page-" + name)
			checkQuiet(t, v, url)
			if n := evaluate[int](v, `document.querySelectorAll("script, form, iframe, img").length`); n != 0 {
				t.Errorf("%d elements that act or fetch", n)
			}
		})
	}
}

// checkQuiet wants nothing on the console and no request but that of the page.
func checkQuiet(t *testing.T, v *tab, url string) {
	t.Helper()
	trouble, requests := v.seen()
	for _, s := range trouble {
		t.Errorf("the browser says: %s", s)
	}
	for _, r := range requests {
		if r != url && !strings.HasPrefix(r, "data:") {
			t.Errorf("the page had %s fetched", r)
		}
	}
	if len(requests) == 0 {
		t.Error("not even the page was fetched: requests are not seen")
	}
}

// TestTroubleIsNoticed keeps the test above honest.
func TestTroubleIsNoticed(t *testing.T) {
	b, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	browser := start(t)
	for name, injected := range map[string]string{
		"script":        `<script>alert(1)</script>`,
		"event handler": `<p onclick="alert(1)">x</p>`,
		"style":         `<style>p { color: red }</style>`,
		"style of one":  `<p style="color: red">x</p>`,
		"image":         `<img src="https://example.invalid/x.png" alt="">`,
		"frame":         `<iframe src="https://example.invalid/"></iframe>`,
	} {
		t.Run(name, func(t *testing.T) {
			v := open(t, browser, serve(t, strings.Replace(string(b), "<main>", "<main>"+injected, 1)), 1280)
			if trouble, _ := v.seen(); len(trouble) == 0 {
				t.Error("nothing was reported")
			}
		})
	}
}

func TestPageFitsPhoneAndDesktop(t *testing.T) {
	browser := start(t)
	for name, width := range widths {
		t.Run(name, func(t *testing.T) {
			v := open(t, browser, everyState(t), width)
			for _, folded := range []bool{false, true} {
				evaluate[int](v, fmt.Sprintf(`document.querySelectorAll("details").forEach(d => d.open = !%v), 0`, folded))
				if n := evaluate[int](v, overflow); n > 0 {
					t.Errorf("folded %v: the page is %d pixels too wide", folded, n)
				}
			}
			// Nothing is cut off either.
			cut := evaluate[[]string](v, `[...document.querySelectorAll("main *, header *")].filter(e => {
				const r = e.getBoundingClientRect();
				return r.width > 0 && r.right > document.documentElement.clientWidth + 1;
			}).map(e => e.outerHTML.slice(0, 80))`)
			for _, e := range cut {
				t.Errorf("cut off at the right: %s", e)
			}
		})
	}
}

func TestAddressWithMarkupIsShownAsText(t *testing.T) {
	v := open(t, start(t), everyState(t), 1280)
	if text := evaluate[string](v, `document.body.innerText`); !strings.Contains(text, `account.sagi.shop["<script>alert(1)</script>"]`) {
		t.Error("the address is not shown as it is written")
	}
}

func TestTimelineIsDrawn(t *testing.T) {
	v := open(t, start(t), everyState(t), 360)
	type drawn struct {
		Label  string
		Widths map[string]float64
	}
	lines := evaluate[[]drawn](v, `[...document.querySelectorAll('svg[role="img"]')].map(s => ({
		Label: s.getAttribute("aria-label"),
		Widths: Object.fromEntries([...s.querySelectorAll("rect")].map(r => [r.getAttribute("class"), r.getBoundingClientRect().width])),
	}))`)
	if len(lines) == 0 {
		t.Fatal("there is no timeline")
	}
	windows, late := 0, 0
	for _, l := range lines {
		if l.Widths["bar-now"] < 1 || !strings.Contains(l.Label, "now is") {
			t.Errorf("now is not on the timeline %q: %v", l.Label, l.Widths)
		}
		if l.Widths["bar-window"] >= 1 {
			windows++
		}
		if l.Widths["bar-late"] >= 1 {
			late++
		}
	}
	if windows == 0 || late == 0 {
		t.Errorf("of %d timelines %d show a rotation window and %d that the token has expired", len(lines), windows, late)
	}
}

// contrasts lists every text with its contrast to what is behind it, by the
// formula of WCAG 2.
const contrasts = `(() => {
	const parse = c => { const m = c.match(/[\d.]+/g).map(Number); return m.length > 3 ? m : [...m, 1]; };
	const channel = x => { x /= 255; return x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4; };
	const light = c => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
	const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] === 1) return c; if (c[3] > 0) throw "translucent"; } return [255, 255, 255, 1]; };
	const found = [];
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let n; n = walker.nextNode();) {
		const e = n.parentElement;
		if (!n.textContent.trim() || e.closest(".skip") || !e.getClientRects().length) continue;
		const [a, b] = [light(parse(getComputedStyle(e).color)), light(behind(e))];
		found.push({ Text: n.textContent.trim().slice(0, 40), Ratio: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) });
	}
	return found;
})()`

func TestEveryTextHasContrast(t *testing.T) {
	browser := start(t)
	for name, more := range map[string][]step{"light": nil, "dark": {dark()}} {
		t.Run(name, func(t *testing.T) {
			v := open(t, browser, everyState(t), 1280, more...)
			v.screenshot("page-" + name)
			texts := evaluate[[]struct {
				Text  string
				Ratio float64
			}](v, contrasts)
			if len(texts) < 100 {
				t.Fatalf("only %d texts were looked at", len(texts))
			}
			for _, text := range texts {
				if text.Ratio < 4.5 {
					t.Errorf("contrast %.1f of %q, want 4.5", text.Ratio, text.Text)
				}
			}
			background := evaluate[string](v, `getComputedStyle(document.body).backgroundColor`)
			if isDark := background == "rgb(13, 17, 23)"; isDark != (name == "dark") {
				t.Errorf("the background is %s", background)
			}
		})
	}
}

func TestPageCanBeReadWithoutSeeingIt(t *testing.T) {
	browser := start(t)
	for name, width := range widths {
		t.Run(name, func(t *testing.T) {
			v := open(t, browser, everyState(t), width)
			for what, expression := range map[string]string{
				"a language":                 `document.documentElement.lang === "en"`,
				"a title":                    `document.title.includes("payments")`,
				"one first heading":          `document.querySelectorAll("h1").length === 1`,
				"a header of each column":    `[...document.querySelectorAll("table")].every(t => t.querySelectorAll("th[scope=col]").length === 6)`,
				"a cell under each header":   `[...document.querySelectorAll("tbody tr")].every(r => r.children.length === 6)`,
				"a caption of each table":    `[...document.querySelectorAll("table")].every(t => t.caption.textContent)`,
				"a main part":                `document.querySelectorAll("main").length === 1`,
				"a table that stays one":     `[...document.querySelectorAll("table")].every(t => t.getAttribute("role") === "table")`,
				"a link past the attention":  `document.querySelector(document.querySelector("a.skip").getAttribute("href")) !== null`,
				"a word for each timeline":   `[...document.querySelectorAll("svg")].every(s => s.getAttribute("aria-hidden") || s.getAttribute("aria-label"))`,
				"a health in words, not hue": `[...document.querySelectorAll(".badge")].every(b => b.textContent.trim())`,
			} {
				if !evaluate[bool](v, expression) {
					t.Errorf("the page lacks %s", what)
				}
			}
		})
	}
}
