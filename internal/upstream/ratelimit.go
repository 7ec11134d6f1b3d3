package upstream

import (
	"net/http"
	"time"

	"golang.org/x/time/rate"
)

// Limit is an upstream's documented request limit.
type Limit struct {
	Requests int
	Per      time.Duration
}

// limit holds requests back until the limiter lets them go.
type limit struct {
	next    http.RoundTripper
	limiter *rate.Limiter
}

// errLimited is what a request ends with that could not be sent before its
// context's deadline.
type errLimited struct{}

func (errLimited) Error() string { return "the rate limit leaves no time for this request" }

func (l *limit) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := l.limiter.Wait(req.Context()); err != nil {
		if ctxErr := req.Context().Err(); ctxErr != nil {
			return nil, ctxErr
		}
		return nil, errLimited{}
	}
	return l.next.RoundTrip(req)
}

type limitKey struct{ host, key string }

// limiter returns the limiter that the options ask for; nil for none.
func (p *Pool) limiter(host string, o Options) *rate.Limiter {
	l := newLimiter(o)
	if l == nil {
		return nil
	}
	key := limitKey{host: host, key: o.LimitKey}
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, ok := p.limiters[key]; ok {
		return known
	}
	p.limiters[key] = l
	return l
}

// newLimiter stays below a documented limit: a burst of a tenth and a rate of
// four fifths of it can never add up to more than nine tenths in one period.
func newLimiter(o Options) *rate.Limiter {
	switch {
	case o.RequestsPerSecond > 0:
		return rate.NewLimiter(rate.Limit(o.RequestsPerSecond), max(1, int(o.RequestsPerSecond)))
	case o.Limit.Requests > 0 && o.Limit.Per > 0:
		perSecond := 0.8 * float64(o.Limit.Requests) / o.Limit.Per.Seconds()
		return rate.NewLimiter(rate.Limit(perSecond), max(1, o.Limit.Requests/10))
	}
	return nil
}
