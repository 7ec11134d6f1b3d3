package upstream

import (
	"context"
	"sync"

	"github.com/credsync/credsync/credential"
)

// exchange follows one call of Do through the decorators.
type exchange struct {
	// once requests are not sent again once the upstream may have seen them.
	once bool
	// added are the values of the configured headers that went along.
	added []credential.Secret
	mu    sync.Mutex
	lost  bool
}

type exchangeKey struct{}

// exchangeOf returns the exchange of a request; nil for one that did not come
// through Do, which gets the rules of Op.Once.
func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
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

func (x *exchange) isLost() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.lost
}
