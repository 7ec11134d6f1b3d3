package upstream

import (
	"errors"
	"net/url"

	"github.com/credsync/credsync/internal/httpsettings"
	"github.com/zclconf/go-cty/cty"
)

// CheckBaseURL is the Check of a base_url attribute: an absolute http or https
// URL with a host and neither user info, query nor fragment. Whether plain
// http is allowed depends on another block; see PlainHTTP.
func CheckBaseURL(v cty.Value) error {
	_, err := parseBaseURL(v.AsString(), true)
	return err
}

// PlainHTTP reports whether secrets sent to base could be read on their way: an
// http URL whose host is not loopback.
func PlainHTTP(base string) bool {
	u, err := url.Parse(base)
	return err == nil && httpsettings.Plain(u)
}

// parseBaseURL quotes nothing of the URL in its errors: a password may be in it.
func parseBaseURL(base string, allowPlain bool) (*url.URL, error) {
	u, fault := httpsettings.ParseBaseURL(base)
	switch fault {
	case httpsettings.NotAbsolute:
		return nil, errors.New("not an absolute URL: use one such as \"https://api.example.com\"")
	case httpsettings.OtherScheme:
		return nil, errors.New("the URL must start with https://")
	case httpsettings.UserInfo:
		return nil, errors.New("the URL must not contain a user or password")
	case httpsettings.Fragment, httpsettings.Query:
		return nil, errors.New("the URL must not contain a query or a fragment")
	}
	if !allowPlain && httpsettings.Plain(u) {
		return nil, errors.New("the URL must start with https://, because secrets are sent to it; " +
			"for a test server, set http.allow_plain_http = true")
	}
	return u, nil
}
