package faultproxy_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/credsync/credsync/testkit/faultproxy"
)

const whole = `{"access_token":"good"}`

// ask sends a request through a proxy with a fault and returns what the client
// saw: the status or 0, the body, and whether the server had the request.
func ask(t *testing.T, kind faultproxy.Kind) (status int, body string, processed bool, seen *faultproxy.Exchange) {
	t.Helper()
	var received atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		received.Add(1)
		if r.URL.Path != "/base/token" || r.URL.RawQuery != "a=b" || r.Header.Get("X-Key") != "k" {
			t.Errorf("the server got %s %v", r.URL, r.Header)
		}
		_, _ = io.WriteString(w, whole)
	}))
	defer server.Close()
	p, err := faultproxy.Start(faultproxy.Options{
		Target: server.URL + "/base", Prefixed: true,
		Damage:  func(*faultproxy.Exchange) faultproxy.Kind { return kind },
		Observe: func(x *faultproxy.Exchange) { seen = x },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	req, err := http.NewRequest("POST", p.URL()+"/alice/token?a=b", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Key", "k")
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{},
	}
	resp, err := client.Do(req)
	if err == nil {
		defer resp.Body.Close()
		var b []byte
		b, err = io.ReadAll(resp.Body)
		status, body = resp.StatusCode, string(b)
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !strings.Contains(err.Error(), "reset") {
			t.Errorf("reading the answer: %v", err)
		}
	}
	return status, body, received.Load() == 1, seen
}

func TestKinds(t *testing.T) {
	for kind, want := range map[faultproxy.Kind]struct {
		status    int
		processed bool
		intact    bool
	}{
		"":                         {200, true, true},
		faultproxy.Slow:            {200, true, true},
		faultproxy.Reset:           {0, false, false},
		faultproxy.TooMany:         {429, false, false},
		faultproxy.TurnedAway:      {503, false, false},
		faultproxy.Unavailable:     {503, false, false},
		faultproxy.BadGateway:      {502, false, false},
		faultproxy.ServerError:     {500, false, false},
		faultproxy.Page:            {200, false, false},
		faultproxy.Redirect:        {302, false, false},
		faultproxy.Lost:            {0, true, false},
		faultproxy.Truncated:       {200, true, false},
		faultproxy.LateUnavailable: {503, true, false},
		faultproxy.LateTimeout:     {504, true, false},
		faultproxy.LatePage:        {200, true, false},
	} {
		t.Run(string(kind), func(t *testing.T) {
			status, body, processed, x := ask(t, kind)
			// What was sent before a reset may be lost with it.
			if status != want.status && !(kind == faultproxy.Truncated && status == 0) {
				t.Errorf("status %d, want %d", status, want.status)
			}
			if processed != want.processed || x.Processed != want.processed || x.Intact() != want.intact {
				t.Errorf("processed %v, noted as processed %v, intact %v; want %+v", processed, x.Processed, x.Intact(), want)
			}
			if (body == whole) != want.intact {
				t.Errorf("the client got %q", body)
			}
			if x.Whose != "alice" || x.Path != "/token" || string(x.Body) != "body" {
				t.Errorf("noted %+v", x)
			}
		})
	}
	for _, kind := range faultproxy.AllKinds {
		if kind != faultproxy.Slow {
			if _, body, _, _ := ask(t, kind); body == whole {
				t.Errorf("%s damages nothing", kind)
			}
		}
	}
}

func TestScheduleDependsOnSeedKeyAndCountOnly(t *testing.T) {
	draw := func(seed uint64, key string) (kinds string) {
		for n := range uint64(200) {
			kinds += string(faultproxy.Pick(seed, key, n, 0.3, faultproxy.AllKinds)) + ","
		}
		return kinds
	}
	if first, again := draw(1, "a"), draw(1, "a"); first != again {
		t.Error("the same seed draws differently")
	}
	if draw(1, "a") == draw(2, "a") || draw(1, "a") == draw(1, "b") {
		t.Error("another seed or key draws the same")
	}
	hit := 0
	for n := range uint64(10000) {
		if faultproxy.Pick(7, "k", n, 0.3, faultproxy.AllKinds) != "" {
			hit++
		}
	}
	if hit < 2700 || hit > 3300 {
		t.Errorf("%d of 10000 are hit at a rate of 0.3", hit)
	}
}
