package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
)

// usedSinks are the sinks that something is delivered to, kept in or read from.
func (d *doctor) usedSinks() (list []*config.Sink) {
	needed := map[*config.Sink]bool{}
	if d.Config.State != nil {
		needed[d.Config.State.Sink] = true
	}
	for _, s := range d.Config.Data {
		needed[s.Sink] = true
	}
	for _, a := range d.enabledAccounts() {
		for _, t := range a.Deliveries {
			needed[t.Sink] = true
		}
	}
	for _, s := range d.Config.Sinks {
		if needed[s] {
			list = append(list, s)
			delete(needed, s)
		}
	}
	// That of a state with no block stands in no list.
	for s := range needed {
		list = append(list, s)
	}
	return list
}

// checkServers asks each sink's server whether it can serve, before anything else
// is asked of it.
func (d *doctor) checkServers(ctx context.Context) { inParallel(d, ctx, d.usedSinks(), d.checkServer) }

func (d *doctor) checkServer(ctx context.Context, s *config.Sink) {
	if !s.Values.AllKnown() {
		d.Gate.close(s, errors.New("it depends on a value that could not be read"))
		d.add(Check{Group: Sinks, Subject: s.Name, Outcome: Skipped, Message: "it depends on a value that could not be read"})
		return
	}
	sink, err := d.Gate.Open(s)
	if err != nil {
		d.Gate.close(s, err)
		d.add(failedCheck(Sinks, s, err))
		return
	}
	p, remote := sink.(sinks.Pinger)
	if !remote {
		return
	}
	if d.Offline {
		d.Gate.close(s, errOffline)
		return
	}
	before := d.Now()
	server, err := p.Ping(ctx)
	d.noteClock(host(server.Address), server.Date, before)
	c := Check{Group: Sinks, Subject: s.Name, Outcome: OK, Message: fmt.Sprintf("%s at %s is ready", server.About, server.Address)}
	d.warnOfCertificate(Check{
		Group: Sinks, Subject: s.Name, Outcome: Warning, Message: "its TLS certificate",
		Remedy: "From then on credsync cannot connect to it. Have the certificate renewed.",
	}, server.CertificateEnds)
	if err != nil {
		d.Gate.close(s, err)
		c = failedCheck(Sinks, s, d.explainTimeout(ctx, err))
	}
	d.add(c)
}

// warnOfCertificate adds a warning about a server's certificate that ends soon; the
// message gets the end.
func (d *doctor) warnOfCertificate(c Check, ends time.Time) {
	if ends.IsZero() || ends.Sub(d.Now()) >= certificateRenewal {
		return
	}
	c.Message += " expires at " + ends.UTC().Format("2006-01-02 15:04 MST")
	d.add(c)
}

// errOffline is why a server is of no use with --offline.
var errOffline = errors.New("no server is contacted with --offline")

// explainTimeout says of a check that was given up how long it was given.
func (d *doctor) explainTimeout(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%w: no answer within %s; check the address and the network, or allow more time with --timeout", err, d.Timeout)
	}
	return err
}

func host(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Host
	}
	return address
}

// checkSinkWarnings tells what the sinks have warned of on the way.
func (d *doctor) checkSinkWarnings() {
	if d.Logged == nil {
		return
	}
	for _, message := range d.Logged() {
		what, remedy, _ := strings.Cut(message, "; ")
		d.add(Check{Group: Sinks, Subject: "warning", Outcome: Warning, Message: what, Remedy: diag.Sentence(remedy)})
	}
}

// failure makes a check of a sink's error, which says behind its last
// semicolon what to do. A missing permission has the policy command.
func failedCheck(g Group, s *config.Sink, err error) Check {
	c := Check{Group: g, Subject: s.Name, Outcome: Failed, Message: err.Error()}
	if strings.Contains(c.Message, "\n") {
		c.Remedy = "Grant the permissions listed above."
	} else if i := strings.LastIndex(c.Message, "; "); i > 0 {
		c.Message, c.Remedy = c.Message[:i], diag.Sentence(c.Message[i+2:])
	}
	if p := s.Spec.Policy; p != nil && errors.Is(err, sinks.ErrDenied) {
		c.Remedy = strings.TrimSpace(c.Remedy + " To print all permissions that the configuration needs:")
		c.Command = []string{"policy", p.Name}
	}
	return c
}
