package upstream

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/credsync/credsync/providers"
	"github.com/hashicorp/go-retryablehttp"
)

const (
	firstPause = 500 * time.Millisecond
	maxPause   = 10 * time.Second
	// maxRetryAfter is the longest Retry-After that is waited for within a
	// run. What asks for more is left to a later run.
	maxRetryAfter = time.Minute
)

// newRetry repeats failed attempts where that can do no harm:
//
//   - a request that may be repeated: after 429, 502, 503, 504, a timeout, or
//     a broken connection or answer;
//   - any other (see Op.Once): only where the upstream certainly did not
//     process it, which is when no connection came about, and after 429 and
//     503. A second login might be the one that locks the account, and a
//     second refresh would present a token that the first one spent;
//   - one that is attended: only where no connection came about.
func newRetry(next http.RoundTripper, p *Pool, maxAttempts int) http.RoundTripper {
	policy := retryPolicy{pool: p}
	client := &retryablehttp.Client{
		HTTPClient:   &http.Client{Transport: next, CheckRedirect: neverRedirect},
		RetryMax:     maxAttempts - 1,
		CheckRetry:   policy.check,
		Backoff:      policy.backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	return &retryablehttp.RoundTripper{Client: client}
}

type retryPolicy struct{ pool *Pool }

// check implements retryablehttp.CheckRetry.
func (r retryPolicy) check(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	x := exchangeOf(ctx)
	if err != nil {
		f := transportFailure(err)
		again := f.class == providers.Retryable && !errors.Is(err, errLimited{})
		return again && (x != nil && (!x.once || !x.isLost())), nil
	}
	if x != nil && x.attended {
		return false, nil
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		if x == nil || x.once {
			return false, nil
		}
	default:
		return false, nil
	}
	wait := retryAfter(resp.Header, r.pool.opts.Now())
	deadline, bounded := ctx.Deadline()
	return wait <= maxRetryAfter && (!bounded || wait < time.Until(deadline)), nil
}

// backoff implements retryablehttp.Backoff: exponential, half of it random so
// that many accounts do not come back in step, and never before Retry-After.
func (r retryPolicy) backoff(_, _ time.Duration, attempt int, resp *http.Response) time.Duration {
	pause := min(firstPause<<min(attempt, 16), maxPause)
	pause = pause/2 + rand.N(pause/2+1)
	if resp != nil {
		pause = max(pause, retryAfter(resp.Header, r.pool.opts.Now()))
	}
	return r.pool.opts.Pause(pause)
}

// retryAfter reads a Retry-After header in either of its forms, seconds or an
// HTTP date; 0 where there is none, it makes no sense, or it is over.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		// Counted by the upstream's own clock where it tells it.
		if date, err := http.ParseTime(h.Get("Date")); err == nil {
			now = date
		}
		return max(0, at.Sub(now))
	}
	return 0
}
