package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
)

// checkWebhooks tries the way to the host of each notify block.
func (d *doctor) checkWebhooks(ctx context.Context) {
	if d.Offline {
		return
	}
	inParallel(d, ctx, d.Config.Notify, d.checkWebhook)
}

// checkWebhook asks for "/" of the host, so no message is sent and the webhook's own
// path is not touched. A webhook's URL is the key to it, in some services the
// host too: the block's name stands for it.
func (d *doctor) checkWebhook(ctx context.Context, n *config.Notify) {
	c := Check{Group: Notify, Subject: "notify." + n.Name, Outcome: OK}
	reach, err := upstream.Probe(ctx, upstream.Options{
		BaseURL: hostOnly(n.Values.Secret("url").Reveal()), AllowPlainHTTP: n.Values.Bool("allow_plain_http"),
	}, d.UserAgent)
	var e *failure.Error
	switch {
	case errors.As(err, &e):
		c.Outcome, c.Message, c.Remedy = Failed, e.Message, webhookRemedy(e)+blockPlace(n)
	case err != nil:
		c.Outcome, c.Message, c.Remedy = Failed, "could not be reached", webhookRemedy(nil)+blockPlace(n)
	case unavailable(reach.Status):
		c.Outcome, c.Message = Warning, fmt.Sprintf("its host answers HTTP %d", reach.Status)
		c.Remedy = "It is temporarily unavailable. A later run sends the notifications that failed." + blockPlace(n)
	default:
		c.Message = "its host " + reachText(reach)
	}
	d.warnOfCertificate(Check{
		Group: Notify, Subject: c.Subject, Outcome: Warning, Message: "the TLS certificate of its host",
		Remedy: "From then on notifications fail. Ask its operator when it will be renewed." + blockPlace(n),
	}, reach.CertificateEnds)
	d.add(c)
}

// hostOnly leaves of a URL what says where its host is.
func hostOnly(full string) string {
	u, err := url.Parse(full)
	if err != nil {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
}

// webhookRemedy says what to do, in the words of a notify block: what package
// upstream advises is about accounts.
func webhookRemedy(e *failure.Error) string {
	switch {
	case e != nil && e.Attribute == "http.ca_pem":
		return "Add the authority that signs its certificate to this machine's trust store, or set SSL_CERT_FILE to a file with it."
	case e != nil && e.Attribute == "http.proxy":
		return "Check the environment variables HTTPS_PROXY and NO_PROXY, and that the proxy allows this host."
	}
	return "Check url, and whether a firewall or a proxy blocks the connection. Until this is fixed, notifications to it fail."
}

// blockPlace says where a block stands.
func blockPlace(n *config.Notify) string {
	if n.Range == nil {
		return ""
	}
	return fmt.Sprintf(" It is declared at %s:%d.", n.Range.Filename, n.Range.Start.Line)
}
