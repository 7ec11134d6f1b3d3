package bereke

import (
	"context"
	"net/http"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
)

// key returns the configured key, or gets the published one.
func (p *provider) key(ctx context.Context) (publicKey, error) {
	if p.keyURL == "" {
		return p.configured, nil
	}
	return p.fetchKey(ctx)
}

func (p *provider) fetchKey(ctx context.Context) (publicKey, error) {
	a, err := p.env.Send(ctx, upstream.Request{
		Op: upstream.Op{
			Name: "get the bank's public key", Secrets: append(p.secrets(), p.username), Endpoint: keyURL,
		},
		URL: p.keyURL,
	})
	if err != nil {
		return publicKey{}, err
	}
	if a.Status != http.StatusOK {
		return publicKey{}, a.Refused("", "").Judge(keyRefusals)
	}
	answer, err := a.Object()
	if err != nil {
		return publicKey{}, err
	}
	text := answer.Said("key")
	if text == "" {
		return publicKey{}, a.Missing("key")
	}
	key, err := parseKey(text)
	if err != nil {
		return publicKey{}, a.Fail(failure.Server, "the answer's \"key\" cannot be used: "+err.Error(),
			"Check public_key_url; if it is right, ask the bank, or set public_key to the key itself.")
	}
	return key, nil
}
