package redact

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/credsync/credsync/credential"
)

const (
	// maxRefusal bounds what is read of an answer that is no success.
	maxRefusal = 1 << 20
	// minSecret is the length from which a value may be a key. A shorter one
	// would hide innocent messages.
	minSecret = 8
)

// errContainsSecret stands for an error that quotes what the server sent.
var errContainsSecret = errors.New("the server there does not speak HTTP properly, and its answer repeats the secret that was sent to it")

// Transport keeps what a request logs in with out of everything that a server
// that is not to be trusted with it may say: the text of a refusal, its headers,
// and the errors of net/http, which quote what they cannot read.
type Transport struct {
	next   http.RoundTripper
	fields []string
	// last is what the last request logged in with: the next one does mostly
	// the same.
	last atomic.Pointer[pieceFinder]
}

// NewTransport returns a Transport that sends requests by next. fields are
// those of a JSON body that hold a secret, such as password.
func NewTransport(next http.RoundTripper, fields ...string) *Transport {
	return &Transport{next: next, fields: fields}
}

// WrappedRoundTripper tells client-go what it may pass a cancellation on to.
func (t *Transport) WrappedRoundTripper() http.RoundTripper { return t.next }

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	req, secrets, err := t.secretsOf(req)
	if err != nil {
		return nil, err
	}
	resp, err := t.next.RoundTrip(req)
	find := t.finderOf(secrets)
	if err != nil {
		if find.foundIn(err.Error()) {
			return nil, errContainsSecret
		}
		return nil, err
	}
	for name, values := range resp.Header {
		if find.foundIn(name + " " + strings.Join(values, " ")) {
			delete(resp.Header, name)
		}
	}
	if find.foundIn(resp.Status) {
		resp.Status = fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	if resp.StatusCode < http.StatusBadRequest {
		return resp, nil
	}
	if err := cleanRefusal(resp, find); err != nil {
		// Never both: net/http would complain to the standard logger.
		return nil, err
	}
	return resp, nil
}

// cleanRefusal replaces the body of a refusal that repeats a secret.
func cleanRefusal(resp *http.Response, find *pieceFinder) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
	_ = resp.Body.Close()
	if err != nil && find.foundIn(err.Error()) {
		return errContainsSecret
	}
	if err != nil {
		return err
	}
	body = cleanText(body, find)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	resp.ContentLength = int64(len(body))
	return nil
}

// notShown stands for what a server said.
const notShown = "(its answer repeats the secret that was sent to it, so it is not shown)"

// cleanText returns a body without what repeats a secret: the strings of JSON
// that do, or else all of it.
func cleanText(body []byte, find *pieceFinder) []byte {
	if !bytes.ContainsRune(body, '\\') && !find.foundIn(string(body)) {
		// In JSON too no string is other than it stands there.
		return body
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err == nil && !d.More() {
		if cleaned, err := json.Marshal(cleanValue(v, find)); err == nil && !find.foundIn(string(cleaned)) {
			return cleaned
		}
	} else if !find.foundIn(string(body)) {
		return body
	}
	return []byte(notShown)
}

func cleanValue(v any, find *pieceFinder) any {
	switch v := v.(type) {
	case string:
		if find.foundIn(v) {
			return notShown
		}
	case []any:
		for i := range v {
			v[i] = cleanValue(v[i], find)
		}
	case map[string]any:
		for name, item := range v {
			if v[name] = cleanValue(item, find); find.foundIn(name) {
				delete(v, name)
			}
		}
	}
	return v
}

// finderOf returns what finds these secrets.
func (t *Transport) finderOf(secrets []credential.Secret) *pieceFinder {
	if last := t.last.Load(); last != nil && last.searchesFor(secrets) {
		return last
	}
	f := newPieceFinder(secrets)
	t.last.Store(f)
	return f
}

// secretsOf returns what a request logs in with, and a request that has its
// body still to be read.
func (t *Transport) secretsOf(req *http.Request) (*http.Request, []credential.Secret, error) {
	var secrets []credential.Secret
	add := func(s string) {
		if len(s) >= minSecret {
			secrets = append(secrets, credential.NewSecret(s))
		}
	}
	for _, name := range []string{"Authorization", "Proxy-Authorization", "X-Vault-Token"} {
		scheme, credentials, ok := strings.Cut(req.Header.Get(name), " ")
		if !ok {
			credentials = scheme
		}
		add(credentials)
	}
	if _, password, ok := req.BasicAuth(); ok {
		add(password)
	}
	if direct, ok := t.next.(*http.Transport); ok && direct.Proxy != nil {
		if u, err := direct.Proxy(req); err == nil && u != nil && u.User != nil {
			password, _ := u.User.Password()
			add(password)
		}
	}
	if len(t.fields) == 0 || req.Body == nil {
		return req, secrets, nil
	}
	req, body, err := bodyOf(req)
	if err != nil {
		return nil, nil, err
	}
	var fields map[string]any
	// Most bodies are large and hold none of them.
	named := func(name string) bool { return bytes.Contains(body, []byte(`"`+name+`"`)) }
	if slices.ContainsFunc(t.fields, named) && json.Unmarshal(body, &fields) == nil {
		for _, name := range t.fields {
			s, _ := fields[name].(string)
			add(s)
		}
	}
	return req, secrets, nil
}

// bodyOf reads a request's body, and returns a request that has it still to be
// read.
func bodyOf(req *http.Request) (*http.Request, []byte, error) {
	if req.GetBody != nil {
		again, err := req.GetBody()
		if err != nil {
			return nil, nil, err
		}
		body, err := readBody(again, req.ContentLength)
		return req, body, err
	}
	body, err := readBody(req.Body, req.ContentLength)
	if err != nil {
		return nil, nil, err
	}
	req = req.Clone(req.Context())
	req.Body = io.NopCloser(bytes.NewReader(body))
	return req, body, nil
}

// readBody reads all of a body, of which about so many bytes are expected.
func readBody(from io.ReadCloser, length int64) ([]byte, error) {
	var body bytes.Buffer
	body.Grow(int(min(max(length, 0), maxRefusal)) + bytes.MinRead)
	_, err := body.ReadFrom(from)
	_ = from.Close()
	return body.Bytes(), err
}
