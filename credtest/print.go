package credtest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/described"
	"github.com/credsync/credsync/schema"
	"github.com/hashicorp/go-hclog"
	"github.com/zclconf/go-cty/cty"
)

// Placeholders stand in a preview for what is secret, and for what is not known without
// contacting anything.
const (
	SensitivePlaceholder = "(sensitive)"
	UnknownPlaceholder   = "(unknown)"
)

// Preview is the requests of an operation as they would be sent.
type Preview struct {
	Operation string
	// Requests that can be made before anything is answered.
	Requests []PreviewedRequest
	// Note says why there are no more; "" where that is all.
	Note string
}

// PreviewedRequest is one request, without its secrets.
type PreviewedRequest struct {
	Label, Method, URL string
	// Headers, Query and Form are lines "name: value" and "name = value", in order.
	Headers, Query, Form []string
	// Body is that of a request that is not a form.
	Body string
}

// Print returns the first request of each operation of an account. Nothing is sent, and no
// secret takes part: a placeholder stands for each.
func Print(ctx context.Context, a *config.Account, now time.Time) ([]Preview, error) {
	certificate, err := previewedCertificate(a.Spec, a.Values)
	if err != nil {
		return nil, err
	}
	v := withPlaceholders(a.Values, certificate)
	var all []Preview
	for _, operation := range []string{described.OpLogin, described.OpRefresh, described.OpVerify, described.OpRevoke} {
		stop := &stopper{}
		p, err := a.Spec.New(v, providers.Env{
			Client: &http.Client{
				Transport: stop,
			}, Now: func() time.Time { return now }, Log: hclog.NewNullLogger(), Version: "preview",
		})
		if err != nil {
			return nil, fmt.Errorf("could not set up %s: %w", a.Address, err)
		}
		o := &outcome{}
		o.do(ctx, p, &config.UpstreamTest{Operation: operation}, placeholderToken(a.Spec, now))
		var lacking mistake
		if errors.As(o.err, &lacking) {
			continue
		}
		preview := Preview{Operation: operation, Requests: stop.seen}
		var e *failure.Error
		switch {
		case len(stop.seen) > 0 && stop.seen[0].Label != "":
			preview.Note = "Further requests may depend on the answer."
		case len(stop.seen) > 0:
		case errors.As(o.err, &e):
			preview.Note = "The request cannot be shown: " + e.Message + "."
		case o.err == nil:
			preview.Note = "No request is sent."
		}
		all = append(all, preview)
	}
	return all, nil
}

// withPlaceholders are an account's attributes without its secrets.
func withPlaceholders(v schema.Values, blocks map[string][]schema.Values) schema.Values {
	attrs := map[string]cty.Value{}
	for i, row := range v.Block().Attributes {
		raw := v.RawAt(i)
		switch {
		case row.Captured:
			raw = capturedPlaceholder(v.MarkedAt(i), row.Public, false)
		case row.Type == cty.String && row.Sensitive && (!raw.IsKnown() || !raw.IsNull()):
			raw = cty.StringVal(SensitivePlaceholder)
		case row.Type == cty.String && !raw.IsKnown():
			raw = cty.StringVal(UnknownPlaceholder)
		case !raw.IsWhollyKnown(), row.Sensitive:
			raw = cty.NullVal(row.Type)
		}
		attrs[row.Name] = raw
	}
	return schema.NewValues(v.Block(), v.Label(), attrs, blocks)
}

// capturedPlaceholder is what a description takes from the configuration, without what is
// or may be secret in it: everything but what is sent only where no secret may be.
func capturedPlaceholder(v cty.Value, public, marked bool) cty.Value {
	v, marks := v.Unmark()
	marked = marked || len(marks) > 0
	switch {
	case !v.IsKnown() && public && !marked:
		return cty.StringVal(UnknownPlaceholder)
	case !v.IsKnown():
		return cty.StringVal(SensitivePlaceholder)
	case v.IsNull():
		return v
	case v.Type().IsObjectType() || v.Type().IsMapType():
		fields := map[string]cty.Value{}
		for it := v.ElementIterator(); it.Next(); {
			name, element := it.Element()
			fields[name.AsString()] = capturedPlaceholder(element, public, marked)
		}
		return cty.ObjectVal(fields)
	case v.CanIterateElements():
		list := []cty.Value{}
		for it := v.ElementIterator(); it.Next(); {
			_, element := it.Element()
			list = append(list, capturedPlaceholder(element, public, marked))
		}
		return cty.TupleVal(list)
	case public && !marked:
		return v
	}
	return cty.StringVal(SensitivePlaceholder)
}

func placeholderToken(spec *providers.Spec, now time.Time) credential.Token {
	t := credential.Token{
		Access: credential.NewSecret(SensitivePlaceholder), Refresh: credential.NewSecret(SensitivePlaceholder),
		IssuedAt: now, Outputs: credential.Outputs{},
	}
	for _, o := range spec.Outputs {
		switch {
		case o.Type != cty.String:
		case o.Sensitive:
			t.Outputs[o.Name] = credential.NewSecret(SensitivePlaceholder)
		default:
			t.Outputs[o.Name] = UnknownPlaceholder
		}
	}
	return t
}

// stopper takes requests and sends none.
type stopper struct{ seen []PreviewedRequest }

var errStopped = errors.New("nothing is sent")

func (s *stopper) RoundTrip(r *http.Request) (*http.Response, error) {
	bare := *r.URL
	bare.RawQuery = ""
	q := PreviewedRequest{Label: described.LabelOf(r.Context()), Method: r.Method, URL: shownText(bare.String())}
	for _, pair := range strings.Split(r.URL.RawQuery, "&") {
		if pair != "" {
			q.Query = append(q.Query, fieldLine(pair))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if name != "Accept-Encoding" && name != "User-Agent" {
			q.Headers = append(q.Headers, name+": "+shownHeader(r.Header.Get(name)))
		}
	}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, fmt.Errorf("read the request's body: %w", err)
		}
		q.setBody(r.Header.Get("Content-Type"), string(body))
	}
	s.seen = append(s.seen, q)
	return nil, errStopped
}

func (q *PreviewedRequest) setBody(contentType, body string) {
	if contentType != "application/x-www-form-urlencoded" {
		q.Body = body
		return
	}
	for _, pair := range strings.Split(body, "&") {
		q.Form = append(q.Form, fieldLine(pair))
	}
}

func fieldLine(pair string) string {
	name, value, _ := strings.Cut(pair, "=")
	return shownText(name) + " = " + shownText(value)
}

// shownText is a part of a URL or a form as people read it.
func shownText(encoded string) string {
	if text, err := url.QueryUnescape(encoded); err == nil {
		return text
	}
	return encoded
}

// shownHeader shows what a Basic header is made of.
func shownHeader(value string) string {
	encoded, basic := strings.CutPrefix(value, "Basic ")
	if text, err := base64.StdEncoding.DecodeString(encoded); basic && err == nil {
		return "Basic base64(" + string(text) + ")"
	}
	return value
}
