package upstream

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
)

// JSON decodes the answer's body, which must be a JSON object. Unknown fields
// are ignored; of a field given twice the last counts. An error is of class
// Server and says no more of the body than the name of the field that is wrong.
func (a *Answer) JSON(v any) error {
	body, err := a.jsonText()
	if err != nil {
		return err
	}
	if body[0] != '{' {
		return a.Fail(failure.Server, "the answer is not a JSON object", askUpstream)
	}
	return a.Part(body, v)
}

// AnyJSON returns the error of JSON for an answer that is neither a JSON object
// nor a list, where nothing more is known of what it should be.
func (a *Answer) AnyJSON() error {
	body, err := a.jsonText()
	switch {
	case err != nil:
		return err
	case !json.Valid(body):
		return a.Fail(failure.Server, "the answer is not well-formed JSON", askUpstream)
	case body[0] != '{' && body[0] != '[':
		return a.Fail(failure.Server, "the answer is neither a JSON object nor a list", askUpstream)
	}
	return nil
}

// Text returns the body of an answer that need not be JSON, without the space
// around it. It is a Secret, since nobody knows what is in it. An error is of
// class Server: the answer is empty, or it is a page for a browser.
func (a *Answer) Text() (credential.Secret, error) {
	text := strings.TrimSpace(a.body.Reveal())
	switch {
	case text == "":
		return credential.Secret{}, a.Fail(failure.Server, "the answer is empty", askUpstream)
	case a.ContentType != "text/plain" && !isJSON(a.ContentType):
		return credential.Secret{}, a.Fail(failure.Server, "the answer is neither text nor JSON but "+
			Clean(a.ContentType, a.op.Secrets...), askUpstream)
	}
	return credential.NewSecret(text), nil
}

// jsonText returns the body of an answer that says it is JSON, without the
// space around it; it is never empty.
func (a *Answer) jsonText() ([]byte, error) {
	body := bytes.TrimSpace([]byte(a.body.Reveal()))
	switch {
	case len(body) == 0:
		return nil, a.Fail(failure.Server, "the answer is empty", askUpstream)
	case !isJSON(a.ContentType):
		if a.nothingHere() {
			return nil, a.Fail(failure.Server, "nothing is at this address, or not what is expected there: the answer is not JSON but "+
				Clean(a.ContentType, a.op.Secrets...), checkAddress)
		}
		return nil, a.Fail(failure.Server, "the answer is not JSON but "+Clean(a.ContentType, a.op.Secrets...), askUpstream)
	}
	return body, nil
}

// checkAddress is for an answer by which nothing is at an address. Which attributes an
// account has beside base_url depends on its provider.
const checkAddress = "Check base_url, and path or verify_path where the account sets one."

// nothingHere reports whether a server says that it has nothing at this address, or
// nothing that takes such a request.
func (a *Answer) nothingHere() bool {
	switch a.Status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone:
		return true
	}
	return false
}

// Part decodes a piece of the answer, such as what an envelope holds, with the
// errors of JSON.
func (a *Answer) Part(raw json.RawMessage, v any) error {
	err := json.Unmarshal(raw, v)
	var wrongType *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrongType) && wrongType.Field != "":
		return a.Fail(failure.Server, fmt.Sprintf("the answer's %q has a wrong type or "+
			"form", wrongType.Field), askUpstream)
	}
	return a.Fail(failure.Server, "the answer is not well-formed JSON", askUpstream)
}

// Empty reports whether the answer has no body, which some upstreams use for a
// bare refusal.
func (a *Answer) Empty() bool { return strings.TrimSpace(a.body.Reveal()) == "" }

// isJSON accepts the usual names of JSON, and the absence of any.
func isJSON(contentType string) bool {
	return contentType == "" || contentType == "application/json" || contentType == "text/json" ||
		strings.HasPrefix(contentType, "application/") && strings.HasSuffix(contentType, "+json")
}

// Bearer returns the token for an Authorization header, or an error if it has
// characters that no header may carry: then it cannot be a token.
func (a *Answer) Bearer(field string, h Hidden) (credential.Secret, error) {
	if h.IsZero() {
		return credential.Secret{}, a.Missing(field)
	}
	if !HeaderSafe(h.Secret) {
		return credential.Secret{}, a.Fail(failure.Server, fmt.Sprintf("the answer's %q has characters that no "+
			"token has", field), askUpstream)
	}
	return h.Secret, nil
}

// HeaderSafe reports whether s consists of visible ASCII characters only, as a
// bearer token must.
func HeaderSafe(s credential.Secret) bool {
	return strings.IndexFunc(s.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}
