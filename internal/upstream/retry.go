package upstream

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
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
//   - a request that may be repeated: after 408, 425, 429, any 5xx, a timeout, or
//     a broken connection or answer;
//   - any other (see Op.Once): only where the upstream certainly did not
//     process it, which is when no connection came about, and where it was
//     turned away; and where its document says to (see Op.Again). A second login
//     might be the one that locks the account, and a second refresh would present
//     a token that the first one spent;
//   - one that is attended: only where no connection came about;
//   - none whose answer the document describes (see Op.Described), unless to try again.
//
// A Retry-After that cannot be read, or that is longer than a run waits, leaves it to
// a later run.
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
	if !r.worthRepeating(x, resp) {
		return false, nil
	}
	wait, ok := retryAfter(resp.Header, r.pool.opts.Now())
	deadline, bounded := ctx.Deadline()
	again := ok && wait <= maxRetryAfter && (!bounded || wait < time.Until(deadline))
	if again && x != nil && !turnedAway(resp.StatusCode, resp.Header) {
		x.noteRepeated()
	}
	return again, nil
}

// worthRepeating reports whether an answer is one after which the request may be sent
// again.
func (r retryPolicy) worthRepeating(x *exchange, resp *http.Response) bool {
	if x != nil && x.again != nil && x.again(resp) {
		return true
	}
	if x != nil && x.described != nil && x.described(resp) {
		return false
	}
	if turnedAway(resp.StatusCode, resp.Header) {
		return true
	}
	return x != nil && !x.once && (passing(resp.StatusCode) || resp.StatusCode >= http.StatusInternalServerError)
}

// passing reports whether a status says that the upstream cannot be had at the moment.
func passing(status int) bool {
	switch status {
	case http.StatusRequestTimeout,
		http.StatusTooEarly,
		http.StatusBadGateway,
		http.StatusServiceUnavailable,
		http.StatusGatewayTimeout:
		return true
	}
	return false
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
		wait, _ := retryAfter(resp.Header, r.pool.opts.Now())
		pause = max(pause, wait)
	}
	return r.pool.opts.Pause(pause)
}

// retryAfter reads a Retry-After header (RFC 9110, section 10.2.3) in either of its
// forms, seconds or an HTTP date; 0 where there is none, or it is over. ok is false
// where it cannot be read: it asks for a pause, and nobody knows how long.
func retryAfter(h http.Header, now time.Time) (wait time.Duration, ok bool) {
	values, value := h.Values("Retry-After"), h.Get("Retry-After")
	if value == "" {
		return 0, true
	}
	if slices.ContainsFunc(values, func(v string) bool { return v != value }) {
		return 0, false
	}
	if Digits(value) {
		// So many seconds that they are no number are too many in any case.
		seconds, err := strconv.ParseInt(value, 10, 64)
		if err != nil || seconds > int64(longestWait/time.Second) {
			return longestWait, true
		}
		return time.Duration(seconds) * time.Second, true
	}
	at, err := http.ParseTime(value)
	if err != nil || !strings.HasSuffix(value, "GMT") {
		return 0, false
	}
	// Counted by the upstream's own clock where it tells it.
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(0, at.Sub(now)), longestWait), true
}

// longestWait bounds what is believed of a Retry-After.
const longestWait = 24 * time.Hour
