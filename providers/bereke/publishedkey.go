package bereke

import (
	"context"
	"net/http"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
)

// keyAnswer is what public_key_url answers.
type keyAnswer struct {
	Key string `json:"key"`
}

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
	var answer keyAnswer
	if err := a.JSON(&answer); err != nil {
		return publicKey{}, err
	}
	if answer.Key == "" {
		return publicKey{}, a.Missing("key")
	}
	key, err := parseKey(answer.Key)
	if err != nil {
		return publicKey{}, a.Fail(failure.Server, "the answer's \"key\" cannot be used: "+err.Error(),
			"Check public_key_url; if it is right, ask the bank, or set public_key to the key itself.")
	}
	return key, nil
}
