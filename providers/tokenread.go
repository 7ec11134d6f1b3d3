package providers

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

// The attributes of a TokenRead.
const (
	verifyPath   = "verify_path"
	verifyMethod = "verify_method"
	verifyBody   = "verify_body"
)

// TokenRead is a read that only a good token may make, named in the configuration
// since the upstream's document has none. The zero value reads nothing.
type TokenRead struct {
	path, method string
	body         json.RawMessage
}

// TokenReadAttributes are those by which an account names such a read.
// withoutIt says what is checked where it does not.
func TokenReadAttributes(withoutIt string) []schema.Attribute {
	return []schema.Attribute{
		{
			Name: verifyPath, Type: cty.String, Check: CheckPath, DefaultText: "none: " + withoutIt,
			Doc: "A path below `base_url` that only a valid token may read and that returns JSON. credsync reads it to verify each token, " +
				"before it delivers the token and at each plan. The upstream's document names no such path.",
		},
		{
			Name: verifyMethod, Type: cty.String, Default: cty.StringVal(http.MethodGet),
			OneOf: []string{http.MethodGet, http.MethodPost},
			Doc:   "The method of that request. Even a `POST` must change nothing: credsync sends it at each plan, and again if no answer arrives.",
		},
		{
			Name: verifyBody, Type: cty.String, Check: checkJSON, DefaultText: "none: the body is empty",
			Doc: "The JSON body of a `POST`, such as `jsonencode({ page = 1 })`.",
		},
	}
}

func checkJSON(v cty.Value) error {
	s := strings.TrimSpace(v.AsString())
	if !json.Valid([]byte(s)) || s[0] != '{' && s[0] != '[' {
		return errors.New("it is not a JSON object or list; use jsonencode({ … })")
	}
	return nil
}

// CheckTokenRead compares these attributes with each other.
func CheckTokenRead(v schema.Values) error {
	posts := v.String(verifyMethod) == http.MethodPost || !v.Known(verifyMethod)
	switch {
	case !v.IsSet(verifyPath) && (v.IsSet(verifyBody) || v.String(verifyMethod) == http.MethodPost):
		return errors.New("verify_method and verify_body need verify_path: set verify_path, or remove them")
	case v.IsSet(verifyBody) && !posts:
		return errors.New("verify_body: only a POST has a body. Set verify_method = \"POST\", or remove verify_body")
	}
	return nil
}

// NewTokenRead returns the read that the attributes name.
func NewTokenRead(v schema.Values) TokenRead {
	r := TokenRead{path: v.String(verifyPath), method: v.String(verifyMethod)}
	if body := v.String(verifyBody); body != "" {
		r.body = json.RawMessage(body)
	}
	return r
}

// IsSet reports whether there is anything to read.
func (r TokenRead) IsSet() bool { return r.path != "" }

// Verify reads it with a token, through the provider's own send. grant completes
// the advice where the token may not: who gives access to it.
func (r TokenRead) Verify(
	ctx context.Context, send func(context.Context, upstream.Request) (*upstream.Answer, error),
	op upstream.Op, baseURL string, token credential.Secret, grant string,
) error {
	if !r.IsSet() {
		return nil
	}
	request := upstream.Request{Op: op, Method: r.method, URL: upstream.URL(baseURL, r.path), Bearer: token}
	if r.body != nil {
		request.JSON = r.body
	}
	a, err := send(ctx, request)
	if err != nil {
		return err
	}
	if !upstream.Success(a.Status) {
		return refusedRead(a, grant)
	}
	// Whoever answers a token with a page has not looked at it.
	return a.AnyJSON()
}

// refusedRead judges by the status, whatever the body is, unless it is a page.
func refusedRead(a *upstream.Answer, grant string) error {
	body := a.Fields()
	return a.Refused("", cmp.Or(body.Said("error_description"), body.Said("message"))).Judge(tokenReadRefusals(grant))
}

// tokenReadRefusals are those of a read of which nothing is known but what the
// statuses mean.
func tokenReadRefusals(grant string) []upstream.Refusal {
	return []upstream.Refusal{
		{When: upstream.ServerFault, Means: upstream.Undocumented},
		{Status: []int{http.StatusUnauthorized}, Means: upstream.Verdict{
			Class:   failure.Credentials,
			Message: "the token is rejected",
			Advice:  "The next apply gets a new one.",
		}},
		{Status: []int{http.StatusForbidden}, Means: upstream.Verdict{
			Class: failure.Human, Reason: failure.NoAccess,
			Message: "the token may not read verify_path",
			Advice:  grant + ", or set verify_path to a path that it may read.",
		}},
		{
			Status: []int{
				http.StatusBadRequest,
				http.StatusNotFound,
				http.StatusMethodNotAllowed,
				http.StatusUnsupportedMediaType,
			},
			Means: upstream.Verdict{
				Class: failure.Config, Attribute: verifyPath,
				Message: "there is nothing to read at verify_path",
				Advice:  "Correct verify_path, verify_method or verify_body, or remove them.",
			},
		},
	}
}
