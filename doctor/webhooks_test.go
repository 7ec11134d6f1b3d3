package doctor_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/doctor"
)

func TestWebhooksHostIsTriedWithoutAMessage(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	status := http.StatusMethodNotAllowed
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.Method+" "+r.URL.String()+" "+r.Header.Get("Authorization"))
		w.WriteHeader(status)
	}))
	defer s.Close()
	hcl := fmt.Sprintf(`
notify "webhook" "oncall" {
  url     = "%s/T0/canary-key?canary=key"
  headers = { Authorization = "canary-header" }
}
`, s.URL)
	expect(t, newWorld(t).examine(hcl), doctor.Notify, "ok notify notify.webhook.oncall: its host answers without TLS")
	if fmt.Sprint(asked) != "[HEAD / ]" {
		t.Errorf("asked for %q", asked)
	}
	status = http.StatusServiceUnavailable
	expect(t, newWorld(t).examine(hcl), doctor.Notify, "warning notify notify.webhook.oncall: its host answers HTTP 503 … main.hcl:2")
}

// Neither the URL nor, as some services have the key in it, the host is shown.
func TestWebhookThatCannotBeReachedIsToldByItsBlock(t *testing.T) {
	unknown, _ := serveTLS(t, time.Now().AddDate(0, 3, 0))
	for name, c := range map[string]struct{ url, want string }{
		"closed":             {closedURL(t), "cannot connect: connection refused -> Check url, … declared at … main.hcl:2"},
		"unknown authority":  {unknown, "unknown authority -> … SSL_CERT_FILE"},
		"no such host":       {"https://canary-host.invalid", "could not be resolved -> Check url, "},
		"does not speak TLS": {strings.Replace(serve(t, 0), "http:", "https:", 1), "the server does not use TLS -> Check url, "},
	} {
		t.Run(name, func(t *testing.T) {
			r := newWorld(t).examine(fmt.Sprintf("\nnotify \"webhook\" \"oncall\" {\n  url = %q\n}\n", c.url+"/canary-key"))
			expect(t, r, doctor.Notify, "failed notify notify.webhook.oncall: … "+c.want)
			text := strings.Join(lines(r, doctor.Notify), "")
			if _, host, _ := strings.Cut(c.url, "://"); strings.Contains(text, host) ||
				strings.Contains(text, "canary") ||
				strings.Contains(text, "base_url") {
				t.Errorf("shown: %s", text)
			}
			if !r.Broken() {
				t.Error("nothing counts as failed")
			}
		})
	}
}
