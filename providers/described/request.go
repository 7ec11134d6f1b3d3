package described

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

// maker makes one request out of its expressions. The first error stays.
type maker struct {
	s   *scope
	q   *Request
	err *requestError
	// known are the secrets of the account and of the token; secrets are what else the
	// request carries that no message may repeat.
	known, secrets []credential.Secret
}

// requestError is why a request cannot be made; nothing was sent.
type requestError struct {
	attribute, message string
	// expr is the expression that failed; nil for one that is known to be wrong.
	expr schema.Expr
}

// make returns the request without its Op.
func (m *maker) make(base string) upstream.Request {
	r := upstream.Request{Method: m.q.Method, AnyAnswer: m.q.Response.Format != "" && m.q.Response.Format != FormatJSON}
	r.URL = m.url(base)
	r.Query = m.query()
	r.Header = m.header()
	r.Bearer = m.bearer()
	r.Basic = m.basic()
	m.body(&r)
	return r
}

// fail notes what is wrong with a part of the request.
func (m *maker) fail(e schema.Expr, part, message string) {
	if m.err == nil {
		m.err = &requestError{expr: e, message: fmt.Sprintf("%s (%s): %s", part, e.Place(), message)}
	}
}

// eval evaluates a part; ok is false where it is absent, null or wrong.
func (m *maker) eval(e schema.Expr, part string) (cty.Value, bool) {
	if e == nil || m.err != nil {
		return cty.NilVal, false
	}
	v, err := m.s.eval(e)
	if err != nil {
		m.fail(e, part, withoutPlace(e, err))
		return cty.NilVal, false
	}
	m.noteSecrets(v, false)
	if v, err = undamaged(v); err != nil {
		m.fail(e, part, err.Error())
		return cty.NilVal, false
	}
	return v, !v.IsNull()
}

// noteSecrets keeps the texts that are marked.
func (m *maker) noteSecrets(v cty.Value, marked bool) {
	v, marks := v.Unmark()
	marked = marked || len(marks) > 0
	switch {
	case v.IsNull() || !v.IsKnown():
	case v.Type() == cty.String && marked:
		m.secrets = append(m.secrets, credential.NewSecret(v.AsString()))
	case v.CanIterateElements():
		for it := v.ElementIterator(); it.Next(); {
			_, element := it.Element()
			m.noteSecrets(element, marked)
		}
	}
}

// text evaluates a part that is a text.
func (m *maker) text(e schema.Expr, part string) (string, bool) {
	v, ok := m.eval(e, part)
	if !ok {
		return "", false
	}
	s, err := textOf(v)
	if err != nil {
		m.fail(e, part, err.Error())
	}
	return s, err == nil
}

// fields evaluates a part with names, each a text; null ones are left out.
func (m *maker) fields(e schema.Expr, part string) map[string]string {
	v, ok := m.eval(e, part)
	if !ok {
		return nil
	}
	if !isFields(v) {
		m.fail(e, part, "an object is needed, and this is "+kindOf(v))
		return nil
	}
	fields := map[string]string{}
	for it := v.ElementIterator(); it.Next(); {
		name, value := it.Element()
		if value.IsNull() {
			continue
		}
		s, err := textOf(value)
		if err != nil {
			m.fail(e, part, fmt.Sprintf("%q: %s", name.AsString(), err))
			return nil
		}
		fields[name.AsString()] = s
	}
	return fields
}

// url returns the address without a query, unless the expression has one.
func (m *maker) url(base string) string {
	if m.q.URL == nil {
		return upstream.URL(base, m.path())
	}
	raw, ok := m.text(m.q.URL, "url")
	if !ok {
		if m.err == nil {
			m.fail(m.q.URL, "url", "it is null")
		}
		return ""
	}
	if message := m.wrongURL(base, raw); message != "" {
		m.fail(m.q.URL, "url", message)
		m.err.attribute = m.q.URLAttribute
	}
	return raw
}

// path returns the path below the base URL, with each parameter as one segment.
func (m *maker) path() string {
	path, ok := m.text(m.q.Path, "path")
	if !ok {
		return ""
	}
	for name, value := range m.fields(m.q.PathParams, "path_params") {
		if value == "" || value == "." || value == ".." {
			m.fail(m.q.PathParams, "path_params", fmt.Sprintf("%q has a value that is no segment of a path", name))
			return ""
		}
		if m.showsSecret(m.q.PathParams, value) {
			m.fail(m.q.PathParams, "path_params", fmt.Sprintf("%q has %s", name, secretInAddress))
			return ""
		}
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
	}
	if message := wrongPath(path); message != "" {
		m.fail(m.q.Path, "path", message)
	}
	if m.showsSecret(m.q.Path, path) {
		m.fail(m.q.Path, "path", "it has "+secretInAddress)
	}
	return path
}

const secretInAddress = "a secret in it, and addresses stand in logs and messages; send it in a header or in the body"

// showsSecret reports whether a part of an address that is made of secrets has one of the
// account's or of the token's in it. A name that is one by chance is none.
func (m *maker) showsSecret(e schema.Expr, text string) bool {
	_, uses := m.s.c.references(e)
	ofSelf := slices.ContainsFunc(m.s.c.Attributes, func(a schema.Attribute) bool {
		return a.Sensitive && uses.part("self."+a.Name)
	})
	return (ofSelf || uses.ofAnswers() || uses.root("previous")) && slices.ContainsFunc(m.known, func(s credential.Secret) bool {
		return len(s.Reveal()) >= shortestShown && strings.Contains(text, s.Reveal())
	})
}

// shortestShown is the length from which on a secret within a text is no chance.
const shortestShown = 4

func wrongPath(path string) string {
	switch {
	case !strings.HasPrefix(path, "/"):
		return "a path starts with /"
	case strings.ContainsAny(path, "?#\\"):
		return "a path has no query and no fragment; use query"
	case strings.ContainsAny(path, "{}"):
		return "a name in braces has no value in path_params"
	case strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return "a path has no spaces or control characters; use path_params"
	case slices.ContainsFunc(strings.Split(path, "/"), func(s string) bool { return s == "." || s == ".." }):
		return "a path does not lead up"
	}
	return ""
}

func (m *maker) query() []upstream.Param {
	v, ok := m.eval(m.q.Query, "query")
	if !ok {
		return nil
	}
	if !isFields(v) {
		m.fail(m.q.Query, "query", "an object is needed, and this is "+kindOf(v))
		return nil
	}
	values := v.AsValueMap()
	var params []upstream.Param
	for _, name := range inOrder(values, m.q.QueryOrder) {
		for _, each := range listed(values[name]) {
			s, err := textOf(each)
			if err != nil {
				m.fail(m.q.Query, "query", fmt.Sprintf("%q: %s", name, err))
				return nil
			}
			params = append(params, upstream.Param{Name: name, Value: credential.NewSecret(s)})
		}
	}
	return params
}

// inOrder returns the names of fields: first those that have a place, then the others.
func inOrder(fields map[string]cty.Value, first []string) []string {
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	rank := func(name string) int {
		if i := slices.Index(first, name); i >= 0 {
			return i
		}
		return len(first)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a, b))
	})
	return names
}

// listed are the values of a parameter: one for each element of a list, none for null.
func listed(v cty.Value) []cty.Value {
	switch {
	case v.IsNull():
		return nil
	case isList(v):
		return v.AsValueSlice()
	}
	return []cty.Value{v}
}

// ownHeaders are set by HTTP itself: another value of theirs would change what the
// request is, and where it goes.
var ownHeaders = []string{
	"Connection", "Content-Length", "Host", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer",
	"Transfer-Encoding", "Upgrade",
}

func (m *maker) header() map[string]credential.Secret {
	header := map[string]credential.Secret{}
	for name, value := range m.fields(m.q.Header, "header") {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		switch {
		case slices.Contains(ownHeaders, canonical):
			m.fail(m.q.Header, "header", canonical+" is set by HTTP itself; remove it")
		case !isHeaderName(name):
			m.fail(m.q.Header, "header", fmt.Sprintf("%q is not a name of a header", name))
		case !isHeaderValue(value):
			m.fail(m.q.Header, "header", canonical+" has a line break or another control character in its value")
		}
		header[canonical] = credential.NewSecret(value)
	}
	return header
}

// isHeaderName reports whether a text is a token of RFC 9110.
func isHeaderName(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune("\"(),/:;<=>?@[\\]{}", r)
	}) < 0
}

func isHeaderValue(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) < 0
}

func (m *maker) bearer() credential.Secret {
	s, ok := m.text(m.q.Bearer, "bearer")
	token := credential.NewSecret(s)
	if ok && !upstream.HeaderSafe(token) {
		m.fail(m.q.Bearer, "bearer", "it has characters that are not allowed in a token")
	}
	m.secrets = append(m.secrets, token)
	return token
}

func (m *maker) basic() credential.Secret {
	username, ok := m.text(m.q.Username, "username")
	password, _ := m.text(m.q.Password, "password")
	switch {
	case !ok:
		return credential.Secret{}
	case strings.Contains(username, ":"):
		m.fail(m.q.Username, "username", "the name of HTTP Basic authentication must not have a colon")
	case !isHeaderValue(username), !isHeaderValue(password):
		m.fail(m.q.Username, "username", "the name or the password has a control character in it")
	}
	m.secrets = append(m.secrets, credential.NewSecret(password))
	return credential.NewSecret(username + ":" + password)
}

func (m *maker) body(r *upstream.Request) {
	switch {
	case m.q.JSON != nil:
		v, ok := m.eval(m.q.JSON, "json")
		if !ok {
			return
		}
		var err error
		if r.JSON, err = jsonBody(v); err != nil {
			m.fail(m.q.JSON, "json", err.Error())
		}
	case m.q.Form != nil:
		if fields := m.fields(m.q.Form, "form"); fields != nil {
			r.Form = map[string]credential.Secret{}
			for name, value := range fields {
				r.Form[name] = credential.NewSecret(value)
			}
		}
	case m.q.Text != nil:
		if text, ok := m.text(m.q.Text, "text"); ok {
			r.Text, r.TextType = credential.NewSecret(text), cmp.Or(m.q.ContentType, "text/plain; charset=utf-8")
		}
	}
	if m.q.ContentType != "" && m.q.Text == nil && (r.JSON != nil || r.Form != nil) {
		r.Header["Content-Type"] = upstream.Public(m.q.ContentType)
	}
}

// jsonBody is a value as the body of a request. Every text in it counts as a secret.
func jsonBody(v cty.Value) (any, error) {
	switch {
	case v.IsNull():
		return nil, nil
	case v.Type() == cty.String:
		return upstream.Sent{Secret: credential.NewSecret(v.AsString())}, nil
	case v.Type() == cty.Number:
		return json.Number(numberText(v.AsBigFloat())), nil
	case v.Type() == cty.Bool:
		return v.True(), nil
	case isList(v):
		list := []any{}
		for _, element := range v.AsValueSlice() {
			each, err := jsonBody(element)
			if err != nil {
				return nil, err
			}
			list = append(list, each)
		}
		return list, nil
	case isFields(v):
		fields := map[string]any{}
		for name, element := range v.AsValueMap() {
			each, err := jsonBody(element)
			if err != nil {
				return nil, err
			}
			fields[name] = each
		}
		return fields, nil
	}
	return nil, errors.New("this cannot be sent as JSON: " + v.Type().FriendlyName())
}

// isSafe reports whether a method only reads.
func isSafe(method string) bool {
	return slices.Contains([]string{"", http.MethodGet, http.MethodHead, http.MethodOptions}, method)
}
