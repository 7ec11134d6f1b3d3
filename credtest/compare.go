package credtest

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/redact"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// compare says what is not as a test expects.
func (r *runner) compare(t *config.UpstreamTest, o *outcome) (failures []string) {
	want := t.Expect
	var e *failure.Error
	switch failed := errors.As(o.err, &e); {
	case o.err != nil && !failed:
		return []string{"it failed: " + o.err.Error()}
	case want.Class == "" && o.err != nil:
		failures = append(failures, fmt.Sprintf("it failed with class %q: %s", e.Class, e.Message))
	case want.Class != "" && o.err == nil:
		failures = append(failures, fmt.Sprintf("it succeeded, want class %q", want.Class))
	case failed && e.Class != want.Class:
		failures = append(failures, fmt.Sprintf("class is %q, want %q: %s", e.Class, want.Class, e.Message))
	case failed && want.Reason != "" && e.Reason != want.Reason:
		failures = append(failures, fmt.Sprintf("reason is %q, want %q", e.Reason, want.Reason))
	}
	if want.Error != "" && r.lastMatch != want.Error {
		failures = append(failures, fmt.Sprintf("error block %q does not match%s", want.Error, butAnother(r.lastMatch)))
	}
	if o.err == nil {
		failures = append(failures, r.compareToken(want, o)...)
	}
	if want.Requests >= 0 && len(o.sent) != want.Requests {
		failures = append(failures, fmt.Sprintf("%d requests were sent, want %d", len(o.sent), want.Requests))
	}
	if !want.Request.IsNull() {
		failures = append(failures, o.compareRequest(want.Request)...)
	}
	return failures
}

func butAnother(block string) string {
	if block == "" {
		return ""
	}
	return fmt.Sprintf(", but %q does", block)
}

func (r *runner) compareToken(want config.Expectation, o *outcome) (failures []string) {
	if want.AccessToken != "" && o.token.Access.Reveal() != want.AccessToken {
		failures = append(failures, "access_token is not as expected")
	}
	if want.RefreshToken != "" && o.token.Refresh.Reveal() != want.RefreshToken {
		failures = append(failures, "refresh_token is not as expected")
	}
	if want.ExpiresAt != "" {
		at, err := time.Parse(time.RFC3339, want.ExpiresAt)
		switch {
		case err != nil:
			failures = append(failures, "expires_at in expect is not a time in the form of RFC 3339")
		case !o.token.ExpiresAt.Equal(at):
			failures = append(failures, fmt.Sprintf("expires_at is %s, want %s", o.token.ExpiresAt.UTC().Format(time.RFC3339), want.ExpiresAt))
		}
	}
	if want.Outputs.IsNull() {
		return failures
	}
	token := o.token
	token.Outputs = o.token.Outputs.Merge(o.outputs)
	object, _ := config.TokenObject(r.spec, token).UnmarkDeep()
	outputs, fields := object.AsValueMap(), want.Outputs.AsValueMap()
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		got, declared := outputs[name]
		switch {
		case !declared:
			failures = append(failures, fmt.Sprintf("outputs in expect: there is no output block for %q", name))
		case got.IsNull() && !fields[name].IsNull():
			failures = append(failures, fmt.Sprintf("output %q is not set", name))
		case !sameValue(fields[name], got):
			failures = append(failures, fmt.Sprintf("output %q is not as expected", name))
		}
	}
	return failures
}

// compareRequest compares the last request with what is expected of it.
func (o *outcome) compareRequest(want cty.Value) (failures []string) {
	if len(o.sent) == 0 {
		return []string{"no request was sent"}
	}
	last := o.sent[len(o.sent)-1]
	fields := want.AsValueMap()
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		differ := func(got string) {
			failures = append(failures, fmt.Sprintf("the request's %s is not as expected%s", name, o.shown(got)))
		}
		v := fields[name]
		switch name {
		case "method":
			if !isText(v, last.method) {
				differ(last.method)
			}
		case "path":
			if path := o.belowBase(last.url); !isText(v, path) {
				differ(path)
			}
		case "url":
			bare := *last.url
			bare.RawQuery = ""
			if !isText(v, bare.String()) {
				differ(bare.String())
			}
		case "text":
			if !isText(v, last.body) {
				differ("")
			}
		case "json":
			if got, err := ctyjson.ImpliedType([]byte(last.body)); err != nil || !sameJSON(v, last.body, got) {
				differ(last.body)
			}
		case "query":
			failures = append(failures, compareFields("query", v, last.url.Query())...)
		case "header":
			failures = append(failures, compareFields("header", v, canonical(last.header))...)
		case "form":
			form, _ := url.ParseQuery(last.body)
			failures = append(failures, compareFields("form", v, form)...)
		default:
			failures = append(failures, fmt.Sprintf("request in expect: a request has no %q; it has method, path, url, query, header, json, form and text", name))
		}
	}
	return failures
}

// belowBase is a URL's path below the account's base_url, where it leads there.
func (o *outcome) belowBase(u *url.URL) string {
	base, err := url.Parse(o.base)
	if err != nil || base.Host != u.Host {
		return u.EscapedPath()
	}
	return strings.TrimPrefix(u.EscapedPath(), strings.TrimRight(base.EscapedPath(), "/"))
}

// shown is what a request had in a place, where that shows no secret.
func (o *outcome) shown(got string) string {
	if got == "" || redact.ContainsSecret(got, o.secrets...) {
		return ""
	}
	return ": it is " + got
}

func canonical(h map[string][]string) map[string][]string {
	lower := make(map[string][]string, len(h))
	for name, values := range h {
		lower[strings.ToLower(name)] = values
	}
	return lower
}

func compareFields(what string, want cty.Value, got map[string][]string) (failures []string) {
	if !want.Type().IsObjectType() && !want.Type().IsMapType() {
		return []string{fmt.Sprintf("request in expect: %s must be an object", what)}
	}
	fields := want.AsValueMap()
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		key := name
		if what == "header" {
			key = strings.ToLower(name)
		}
		values := got[key]
		switch v := fields[name]; {
		case v.IsNull() && len(values) == 0:
		case v.IsNull():
			failures = append(failures, fmt.Sprintf("the request's %s has %q, which must be absent", what, name))
		case len(values) != 1 || !isText(v, values[0]):
			failures = append(failures, fmt.Sprintf("the request's %s %q is not as expected", what, name))
		}
	}
	return failures
}

func isText(want cty.Value, got string) bool {
	text, err := convert.Convert(want, cty.String)
	return err == nil && !text.IsNull() && text.AsString() == got
}

func sameJSON(want cty.Value, body string, t cty.Type) bool {
	got, err := ctyjson.Unmarshal([]byte(body), t)
	return err == nil && sameValue(want, got)
}

// sameValue compares values as JSON, where a list and a tuple are the same.
func sameValue(a, b cty.Value) bool {
	left, err := ctyjson.Marshal(a, a.Type())
	if err != nil {
		return false
	}
	right, err := ctyjson.Marshal(b, b.Type())
	return err == nil && string(left) == string(right)
}
