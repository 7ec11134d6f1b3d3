package upstream

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/credsync/credsync/failure"
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
//     process it, which is when no connection came about, and where it was
//     turned away. A second login might be the one that locks the account, and
//     a second refresh would present a token that the first one spent;
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
		again := f.class == failure.Retryable && !errors.Is(err, errLimited{})
		return again && (x != nil && (!x.once || !x.isLost())), nil
	}
	if x != nil && x.attended {
		return false, nil
	}
	once := x == nil || x.once
	passing := unavailable(resp.StatusCode) || resp.StatusCode == http.StatusTooManyRequests
	if !passing || once && !turnedAway(resp.StatusCode, resp.Header) {
		return false, nil
	}
	wait := retryAfter(resp.Header, r.pool.opts.Now())
	deadline, bounded := ctx.Deadline()
	return wait <= maxRetryAfter && (!bounded || wait < time.Until(deadline)), nil
}

// unavailable reports whether a status says that the upstream cannot be had.
func unavailable(status int) bool {
	return status == http.StatusBadGateway || status == http.StatusServiceUnavailable ||
		status == http.StatusGatewayTimeout
}

// turnedAway reports whether an answer proves that the request was not
// processed: 429, and a 503 that says when to come back.
//
// A bare 503 proves nothing. Gateways answer it too when what is behind them
// broke off after it had begun to work.
func turnedAway(status int, h http.Header) bool {
	return status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable && h.Get("Retry-After") != ""
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
