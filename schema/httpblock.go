package schema

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/credsync/credsync/internal/httpsettings"
	"github.com/zclconf/go-cty/cty"
	"golang.org/x/net/http/httpguts"
)

// HTTPBlock is the http block of an account: how its upstream is reached.
func HTTPBlock() *Block {
	return &Block{
		Type: "http",
		Doc:  "How the account's upstream is reached.",
		Attributes: []Attribute{
			{
				Name: "timeout", Type: cty.String, Default: cty.StringVal(httpsettings.DefaultTimeout.String()),
				Check: timeoutUpTo("10m"),
				Doc:   "How long one request may take, from `\"100ms\"` to `\"10m\"`.",
			},
			{
				Name: "max_attempts", Type: cty.Number, Default: cty.NumberIntVal(httpsettings.DefaultMaxAttempts),
				Check: wholeNumberUpTo(10),
				Doc:   "How many times a request is sent in all if it keeps failing for a temporary reason, 1 to 10. A rejected login is never sent again.",
			},
			{
				Name: "proxy", Type: cty.String, Sensitive: true, Check: checkProxy, DefaultText: "HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the environment",
				Doc: "The proxy's URL; it may contain a user and a password.",
			},
			{
				Name: "ca_pem", Type: cty.String, Check: checkCAs, DefaultText: "the system's",
				Doc: "The certificate authorities to trust, in PEM, instead of the system's.",
			},
			{
				Name: "headers", Type: cty.Map(cty.String), Sensitive: true, MayBeEmpty: true, Check: checkUpstreamHeaders,
				Doc: "Headers to add to every request, such as a gateway's key. `User-Agent` and `Accept` replace the defaults. Headers are not part of the login: changing them neither requests a new token nor clears a remembered rejection.",
			},
			{
				Name: "requests_per_second", Type: cty.Number, Check: checkRate, DefaultText: "the upstream's documented limit",
				Doc: "The most requests a second that this account sends.",
			},
			{
				Name: "allow_plain_http", Type: cty.Bool, Default: cty.False,
				Doc: "Whether `base_url` may be `http://`. A loopback address needs no permission.",
			},
		},
	}
}

// timeoutUpTo returns a check for durations from 100ms to the longest, which is
// written as in the language.
func timeoutUpTo(longest string) func(cty.Value) error {
	most, err := ParseDuration(longest)
	if err != nil {
		panic(err)
	}
	return func(v cty.Value) error {
		d, err := ParseDuration(v.AsString())
		if err != nil {
			return err
		}
		if d < 100*time.Millisecond || d > most {
			return fmt.Errorf("%q is out of range: a timeout is from \"100ms\" to %q", v.AsString(), longest)
		}
		return nil
	}
}

// wholeNumberUpTo returns a check for whole numbers from 1 on.
func wholeNumberUpTo(most int64) func(cty.Value) error {
	return func(v cty.Value) error {
		n := v.AsBigFloat()
		if i, _ := n.Int64(); !n.IsInt() || i < 1 || i > most {
			return fmt.Errorf("must be a whole number from 1 to %d", most)
		}
		return nil
	}
}

func checkRate(v cty.Value) error {
	if f, _ := v.AsBigFloat().Float64(); f <= 0 || f > 10000 {
		return errors.New("must be a number above 0, and at most 10000")
	}
	return nil
}

func checkProxy(v cty.Value) error {
	u, err := url.Parse(v.AsString())
	if err != nil || u.Host == "" || !httpsettings.ProxyScheme(u.Scheme) {
		return errors.New("must be the URL of a proxy, such as \"http://proxy.internal:3128\", with the scheme http, https or socks5")
	}
	return nil
}

func checkCAs(v cty.Value) error {
	rest, found := []byte(v.AsString()), 0
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return errors.New("must contain certificates only; it has a PEM block of another type")
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return fmt.Errorf("certificate number %d cannot be read: it is damaged or not X.509", found+1)
		}
		found++
	}
	if found == 0 || strings.TrimSpace(string(rest)) != "" {
		return errors.New("must be certificates in PEM, beginning with -----BEGIN CERTIFICATE-----; use file() to read them from a file")
	}
	return nil
}

// requestHeaders are those of which a request cannot have others than it has.
var requestHeaders = []string{
	"Accept-Encoding", "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Expect", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// checkUpstreamHeaders is checkHeaders for requests whose form the provider decides.
func checkUpstreamHeaders(v cty.Value) error {
	if err := checkHeaders(v); err != nil {
		return err
	}
	for it := v.ElementIterator(); it.Next(); {
		name, _ := it.Element()
		if own := textproto.CanonicalMIMEHeaderKey(name.AsString()); slices.Contains(requestHeaders, own) {
			return fmt.Errorf("credsync sets %s itself for each request: leave it out", own)
		}
	}
	return nil
}

func checkHeaders(v cty.Value) error {
	for it := v.ElementIterator(); it.Next(); {
		name, value := it.Element()
		if !httpguts.ValidHeaderFieldName(name.AsString()) {
			return errors.New("one of the names is not a valid HTTP header name")
		}
		if value.IsKnown() && (value.IsNull() || !httpguts.ValidHeaderFieldValue(value.AsString())) {
			return errors.New("the value of one of the headers is null or has characters that HTTP does not allow, such as a line break")
		}
	}
	return nil
}
