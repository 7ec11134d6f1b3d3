package doctor_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/doctor"
	"github.com/credsync/credsync/internal/processid"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/providers/all"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
	"github.com/credsync/credsync/testkit/memorysink"
	"github.com/credsync/credsync/testkit/port"
)

// world is what a doctor looks at: a configuration with the real providers,
// and sinks in memory. Its accounts' upstreams are servers of the test.
type world struct {
	t     *testing.T
	sinks map[string]*memorysink.Sink
	dir   string
	now   func() time.Time
	// timeout of each check.
	timeout time.Duration
	// adjust changes what the doctor is given; nil for nothing.
	adjust func(*doctor.Options)
}

func newWorld(t *testing.T) *world {
	return &world{
		t: t, dir: t.TempDir(), now: time.Now, timeout: 20 * time.Second,
		sinks: map[string]*memorysink.Sink{"main": memorysink.New(), "state": memorysink.New()},
	}
}

// examine has the doctor look at a configuration, to which the state is added.
func (w *world) examine(hcl string) doctor.Report {
	w.t.Helper()
	hcl += `
sink "memory" "main" {}
sink "memory" "state" { name = "state" }
state "memory" "state" { path = "state" }
`
	if err := os.WriteFile(filepath.Join(w.dir, "main.hcl"), []byte(hcl), 0o600); err != nil {
		w.t.Fatal(err)
	}
	cfg, diags := config.Load(w.t.Context(), config.Options{
		Path: w.dir, Getenv: func(string) string { return "" }, Version: "1.0.0", Providers: all.Registry(),
		Sinks: sinks.NewRegistry(memorysink.Spec(nil)),
	})
	if diags.HasErrors() {
		w.t.Fatalf("the test's configuration is wrong: %+v", diags)
	}
	open := func(s *config.Sink) (sinks.Sink, error) { return w.sinks[s.Values.String("name")], nil }
	o := doctor.Options{
		Config: cfg, Loading: diags, Gate: &doctor.SinkGate{Open: open}, UserAgent: "credsync/1", Now: w.now, Timeout: w.timeout,
		Store: state.NewStore(w.sinks["state"], "default", func(name string) (sinks.Target, error) {
			if name != "" {
				name = "/" + name
			}
			return sinks.Target{Path: "state" + name, Location: "memory/state" + name}, nil
		}),
		Connection: func(a *config.Account) upstream.Options {
			return upstream.Options{BaseURL: a.Values.String("base_url"), CAPEM: a.HTTP.String("ca_pem")}
		},
		Where:        func(string) processid.Whereabouts { return processid.Gone },
		EmergencyDir: filepath.Join(w.dir, "emergency"),
	}
	if w.adjust != nil {
		w.adjust(&o)
	}
	return doctor.Run(w.t.Context(), o)
}

// sagi is an account whose tokens live for 30 days.
func sagi(name, url, more string) string {
	return fmt.Sprintf(`
account "sagi" %q {
  base_url = %q
  phone    = "p"
  password = "canary-password"
  deliver "memory" "main" { path = %q }
  %s
}
`, name, url, name, more)
}

// line is a check as one line: "failed state memory/state: message -> remedy $ command".
func line(c doctor.Check) string {
	text := fmt.Sprintf("%s %s %s: %s", c.Outcome, c.Group, c.Subject, c.Message)
	if c.Remedy != "" {
		text += " -> " + c.Remedy
	}
	if c.Command != nil {
		text += " $ " + strings.Join(c.Command, " ")
	}
	return text
}

// lines are the checks of a group, in their order.
func lines(r doctor.Report, of doctor.Group) (list []string) {
	for _, c := range r.Checks {
		if c.Group == of {
			list = append(list, line(c))
		}
	}
	return list
}

// expect checks that each line of a group has what is wanted of it, in order.
func expect(t *testing.T, r doctor.Report, of doctor.Group, want ...string) {
	t.Helper()
	got := lines(r, of)
	ok := len(got) == len(want)
	for i := range min(len(got), len(want)) {
		ok = ok &&
			slices.IndexFunc(
				strings.Split(want[i], " … "),
				func(part string) bool { return !strings.Contains(got[i], part) },
			) < 0
	}
	if !ok {
		t.Errorf("%s:\n%s\nwant\n%s", of, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// serve starts an upstream whose clock is off, and returns its URL.
func serve(t *testing.T, off time.Duration) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// serveTLS starts one whose certificate ends at that time, and returns its URL
// and the certificate.
func serveTLS(t *testing.T, ends time.Time) (url, certificate string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "upstream"}, IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: ends,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// closedURL is where nothing listens.
func closedURL(t *testing.T) string {
	t.Helper()
	return "http://" + port.Address(t)
}
