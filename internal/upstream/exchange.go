package upstream

import (
	"context"
	"net/http"
	"slices"
	"sync"

	"github.com/credsync/credsync/credential"
)

// exchange follows one call of Send through the decorators.
type exchange struct {
	// once requests are not sent again once the upstream may have seen them.
	once bool
	// attended requests are not sent again once anything was answered.
	attended bool
	// again reports whether an answer is documented as one after which to try again;
	// nil for never.
	again func(*http.Response) bool
	mu    sync.Mutex
	lost  bool
	// repeated says that the upstream may have processed an attempt before this one.
	repeated bool
	// added are secrets that went along besides the account's own: the values
	// of the configured headers, the password of the proxy.
	added []credential.Secret
}

type exchangeKey struct{}

// exchangeOf returns the exchange of a request; nil for one that did not come
// through Send, which gets the rules of Op.Once.
func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// add notes a secret that went along.
func (x *exchange) add(s credential.Secret) {
	if x == nil || s.IsZero() {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.added = append(x.added, s)
}

// secrets are those that went along.
func (x *exchange) secrets() []credential.Secret {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.added)
}

// setLost notes whether the upstream may have processed the attempt under way.
func (x *exchange) setLost(lost bool) {
	if x == nil {
		return
	}
	x.mu.Lock()
	x.lost = lost
	x.mu.Unlock()
}

// noteRepeated notes that an attempt is repeated that the upstream may have processed.
func (x *exchange) noteRepeated() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.repeated = true
}

func (x *exchange) isRepeated() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.repeated
}

func (x *exchange) isLost() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.lost
}
