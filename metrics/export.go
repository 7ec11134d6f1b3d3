package metrics

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/credsync/credsync/internal/outputfile"
	"github.com/prometheus/client_golang/prometheus/push"
	"github.com/prometheus/common/expfmt"
)

// pushWithin bounds a push.
const pushWithin = 10 * time.Second

// WriteFile replaces a file, whole or not at all, with the metrics in the text
// format, readable by everyone: for the textfile collector of node exporter,
// which takes files that end in .prom.
func (c *Collector) WriteFile(path string) error {
	families, err := c.Registry(false).Gather()
	if err != nil {
		return fmt.Errorf("cannot gather the metrics for %s: %w", path, err)
	}
	var text bytes.Buffer
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&text, f); err != nil {
			return fmt.Errorf("cannot write the metrics to %s: %w", path, err)
		}
	}
	return outputfile.Write(path, text.Bytes(), 0o644)
}

// Push replaces what a push gateway has of the job credsync for a project, and
// for a shard of it where that is not empty. The URL may have a user name and
// password, which no error shows.
func (c *Collector) Push(ctx context.Context, gateway, project, shard string) error {
	u, err := url.Parse(gateway)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		// The error of Parse quotes its input.
		return errors.New("cannot push the metrics: the gateway's address is not a URL such as http://pushgateway:9091")
	}
	client := &http.Client{
		Timeout:       pushWithin,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	user := u.User
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	pusher := push.New(u.String(), "credsync").Gatherer(c.Registry(false)).Client(client).Grouping("project", project)
	if user != nil {
		password, _ := user.Password()
		pusher = pusher.BasicAuth(user.Username(), password)
	}
	if shard != "" {
		pusher = pusher.Grouping("shard", shard)
	}
	if err := pusher.PushContext(ctx); err != nil {
		return fmt.Errorf("cannot push the metrics to %s: %w", u, err)
	}
	return nil
}
