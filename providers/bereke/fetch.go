package bereke

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
)

// key returns the configured key, or gets the published one.
func (p *provider) key(ctx context.Context) (publicKey, error) {
	if p.keyURL == "" {
		return p.configured, nil
	}
	key, err := p.fetchKey(ctx)
	return key, aboutKeyURL(err)
}

func (p *provider) fetchKey(ctx context.Context) (publicKey, error) {
	op := upstream.Op{Name: "get the bank's public key", Secrets: append(p.secrets(), p.username)}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.keyURL, nil)
	if err != nil {
		return publicKey{}, p.configError(op.Name, "public_key_url", "public_key_url is not a usable URL", "Correct public_key_url.")
	}
	p.setHeaders(req)
	a, err := upstream.Do(ctx, p.env.Client, req, op)
	if err != nil {
		return publicKey{}, err
	}
	switch {
	case a.Status >= http.StatusBadRequest && a.Status < http.StatusInternalServerError:
		e := a.Fail(failure.Config, "no key is published at this address", "Correct public_key_url, or set public_key to the key itself.")
		e.Attribute = "public_key_url"
		return publicKey{}, e
	case a.Status != http.StatusOK:
		return publicKey{}, a.Unknown("")
	}
	var answer keyAnswer
	if err := a.JSON(&answer); err != nil {
		return publicKey{}, err
	}
	if answer.Key == "" {
		return publicKey{}, a.Missing("key")
	}
	key, err := parseKey(answer.Key)
	if err != nil {
		return publicKey{}, a.Fail(failure.Server, "the answer's \"key\" cannot be used: "+err.Error(), "Check public_key_url; if it is right, ask the bank, or set public_key to the key itself.")
	}
	return key, nil
}

// aboutKeyURL has an error speak of public_key_url where package upstream,
// which knows of one address only, says base_url.
func aboutKeyURL(err error) error {
	var e *failure.Error
	if !errors.As(err, &e) {
		return err
	}
	if e.Attribute == "base_url" {
		e.Attribute = "public_key_url"
	}
	e.Advice = strings.ReplaceAll(e.Advice, "base_url", "public_key_url")
	return err
}
