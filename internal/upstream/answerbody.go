package upstream

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
)

// AnyJSON returns an error for an answer that is neither a JSON object nor a list,
// where nothing more is known of what it should be.
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
// class Server: the answer is empty, not in the charset that it names, or a page for
// a browser.
func (a *Answer) Text() (credential.Secret, error) {
	text := strings.TrimSpace(a.body.Reveal())
	switch {
	case text == "":
		return credential.Secret{}, a.Fail(failure.Server, "the answer is empty", askUpstream)
	case a.IsPage():
		return credential.Secret{}, a.page()
	case !utf8.ValidString(text):
		return credential.Secret{}, a.Fail(failure.Server, "the answer is not valid in its charset", askUpstream)
	}
	return credential.NewSecret(text), nil
}

// jsonText returns the body of an answer that may be JSON, without the space around
// it; it is never empty. What the content type says does not matter: many servers
// send JSON under another.
func (a *Answer) jsonText() ([]byte, error) {
	body := bytes.TrimSpace([]byte(a.body.Reveal()))
	switch {
	case len(body) == 0:
		return nil, a.Fail(failure.Server, "the answer is empty", askUpstream)
	case a.IsPage():
		return nil, a.page()
	case !isJSON(a.ContentType) && !json.Valid(body):
		return nil, a.Fail(failure.Server, "the answer is not JSON but "+Clean(a.ContentType, a.op.Secrets...), askUpstream)
	}
	return body, nil
}

// Body returns the whole body in UTF-8, as far as its charset says how.
func (a *Answer) Body() credential.Secret { return a.body }

// IsPage reports whether the answer is a page for a browser: markup, which is no
// answer of a service but that of something before it. Of an upstream that answers in
// XML (see Op.TakesXML), only HTML is. What a redirect says is in its header, so its body is
// none.
func (a *Answer) IsPage() bool {
	if isRedirect(a.Status) {
		return false
	}
	text := strings.TrimSpace(a.body.Reveal())
	return strings.HasPrefix(text, "<") && (!a.op.TakesXML || a.isHTML(text))
}

func (a *Answer) isHTML(text string) bool {
	if a.ContentType == "text/html" || a.ContentType == "application/xhtml+xml" {
		return true
	}
	start := strings.ToLower(text[:min(len(text), 1024)])
	return strings.Contains(start, "<!doctype html") || strings.Contains(start, "<html")
}

// page is the error for a page in place of an answer.
func (a *Answer) page() *failure.Error {
	if a.Status == http.StatusNotFound {
		return a.Fail(failure.Server, "there is nothing at this address: the answer is a web page",
			"Check base_url, and the path if the provider has an attribute for it.")
	}
	return a.Fail(failure.Server, "the answer is a web page, not the service's",
		"Check base_url, and whether a maintenance page or a proxy with a login answers in the upstream's place; if "+
			"neither does, ask the upstream.")
}

// PlainText returns the text of an answer that is neither JSON nor a page, to look for
// words in it. It is not fit to be shown: nobody knows what is in it.
func (a *Answer) PlainText() string {
	if text := a.body.Reveal(); !a.IsPage() && !json.Valid([]byte(text)) {
		return text
	}
	return ""
}

// IsObject reports whether the answer is a JSON object.
func (a *Answer) IsObject() bool {
	_, err := a.Object()
	return err == nil
}

// Empty reports whether the answer has no body, which some upstreams use for a
// bare refusal.
func (a *Answer) Empty() bool { return strings.TrimSpace(a.body.Reveal()) == "" }

// isJSON accepts the usual names of JSON, and the absence of any.
func isJSON(contentType string) bool {
	return contentType == "" || contentType == "application/json" || contentType == "text/json" ||
		strings.HasPrefix(contentType, "application/") && strings.HasSuffix(contentType, "+json")
}

// HeaderSafe reports whether s consists of visible ASCII characters only, as a
// bearer token must.
func HeaderSafe(s credential.Secret) bool {
	return strings.IndexFunc(s.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}
