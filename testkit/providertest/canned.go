package providertest

import (
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/credsync/credsync/providers"
)

// Canned is a client's transport that answers every request alike and keeps the
// last one, without a network.
type Canned struct {
	// Status is 200 if 0.
	Status            int
	ContentType, Body string

	// Request is the last one, and Sent is what its body was.
	Request *http.Request
	Sent    string
}

// RoundTrip implements http.RoundTripper.
func (c *Canned) RoundTrip(req *http.Request) (*http.Response, error) {
	c.Request, c.Sent = req, ""
	if req.Body != nil {
		b, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		c.Sent = string(b)
	}
	status := c.Status
	if status == 0 {
		status = http.StatusOK
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {c.ContentType}},
		Body: io.NopCloser(strings.NewReader(c.Body)), Request: req,
	}, nil
}

// Env is what a provider gets whose requests Canned answers.
func (c *Canned) Env() providers.Env {
	return providers.Env{Client: &http.Client{Transport: c}, Now: time.Now, Version: version}
}
