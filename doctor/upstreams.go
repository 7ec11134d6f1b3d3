package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
)

// certificateRenewal is how long before its end a server's certificate is worth a warning:
// those that are renewed by themselves are, weeks before.
const certificateRenewal = 7 * 24 * time.Hour

// upstreamRoute is a way to an upstream, with the accounts that use it.
type upstreamRoute struct {
	first *config.Account
	// attribute is what names the host in the first account.
	attribute string
	options   upstream.Options
	more      int
}

// checkUpstreams tries each way to an upstream once, however many accounts use it.
func (d *doctor) checkUpstreams(ctx context.Context) {
	if d.Offline {
		return
	}
	ways := map[string]*upstreamRoute{}
	var order []*upstreamRoute
	for _, a := range d.enabledAccounts() {
		for _, row := range a.Spec.Attributes {
			switch {
			case !row.Endpoint:
				continue
			case !a.Values.Known(row.Name) || !a.HTTP.AllKnown():
				d.add(Check{Group: Upstreams, Subject: a.Address, Outcome: Skipped, Message: "its " + row.Name + " or http block depends on a value that could not be read"})
				continue
			case !a.Values.IsSet(row.Name):
				continue
			}
			o := d.Connection(a)
			o.BaseURL = a.Values.String(row.Name)
			key := upstream.ProbeKey(o)
			switch way := ways[key]; {
			case way == nil:
				ways[key] = &upstreamRoute{first: a, attribute: row.Name, options: o}
				order = append(order, ways[key])
			case way.first != a:
				way.more++
			}
		}
	}
	inParallel(d, ctx, order, d.checkUpstream)
}

func (d *doctor) checkUpstream(ctx context.Context, r *upstreamRoute) {
	before := d.Now()
	reach, err := upstream.Probe(ctx, r.options, d.UserAgent)
	d.noteClock(reach.Host, reach.Date, before)
	c := Check{Group: Upstreams, Subject: reach.Host, Outcome: OK}
	switch {
	case err != nil:
		c.Outcome, c.Message, c.Remedy = Failed, "", r.users()
		var e *failure.Error
		if errors.As(err, &e) {
			// Package upstream knows of one address only.
			c.Message, c.Remedy = e.Message, strings.ReplaceAll(e.Advice, "base_url", r.attribute)+" "+r.users()
		} else {
			c.Message = err.Error()
		}
	case unavailable(reach.Status):
		c.Outcome, c.Message = Warning, fmt.Sprintf("answers HTTP %d", reach.Status)
		c.Remedy = "It is temporarily unavailable. If this lasts, contact the upstream. " + r.users()
	default:
		c.Message = reachText(reach)
	}
	if c.Subject == "" {
		c.Subject = r.first.Address
	}
	d.warnOfCertificate(Check{
		Group: Upstreams, Subject: reach.Host, Outcome: Warning, Message: "its TLS certificate",
		Remedy: "From then on credsync cannot connect to it. Ask the upstream when it will renew its certificate. " + r.users(),
	}, reach.CertificateEnds)
	d.add(c)
}

// unavailable reports whether a status says that a server is away.
func unavailable(status int) bool { return status >= 502 && status <= 504 }

// reachText says how an upstream was reached.
func reachText(r upstream.Reach) string {
	words := []string{"answers without TLS"}
	if r.TLS != "" {
		words = []string{"answers with " + r.TLS, "certificate until " + dateText(r.CertificateEnds)}
	}
	if r.WantsCertificate {
		words = append(words, "asks for a client certificate")
	}
	if r.Proxied {
		words = append(words, "through the proxy")
	}
	return strings.Join(words, ", ")
}

// users names an account that goes this way, with its place.
func (r *upstreamRoute) users() string {
	text := "Used by " + r.first.Address
	if r.attribute != "base_url" {
		text += " as " + r.attribute
	}
	if p := r.first.Range; p != nil {
		text += fmt.Sprintf(" (%s:%d)", p.Filename, p.Start.Line)
	}
	if r.more > 0 {
		text += fmt.Sprintf(" and %d more", r.more)
	}
	return text + "."
}
