package upstream

import (
	"bytes"
	"context"
	"io"
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
	// described reports whether the document says what an answer means; nil for never.
	described func(*http.Response) bool
	mu        sync.Mutex
	lost      bool
	// repeated says that the upstream may have processed an attempt before this one.
	repeated bool
	// location is where the last answer redirects to.
	location credential.Secret
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

// keepLocation notes where an answer redirects to; "" for nowhere.
func (x *exchange) keepLocation(to string) {
	if x == nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.location = credential.NewSecret(to)
}

// answer reads an answer whose body has come whole.
func (x *exchange) answer(resp *http.Response, body []byte, op Op, url string) *Answer {
	x.mu.Lock()
	defer x.mu.Unlock()
	located := *resp
	if !x.location.IsZero() {
		located.Header = resp.Header.Clone()
		located.Header.Set("Location", x.location.Reveal())
	}
	a := newAnswer(&located, body, op, url)
	a.repeated = op.Once && x.repeated
	return a
}

// reads is a judgement of answers for the decorators, who see answers whose bodies have been
// read whole; see attempt.
func (x *exchange) reads(op Op, shown string, judge func(*Answer) bool) func(*http.Response) bool {
	if judge == nil {
		return nil
	}
	return func(resp *http.Response) bool {
		body, err := io.ReadAll(resp.Body)
		resp.Body = io.NopCloser(bytes.NewReader(body))
		return err == nil && judge(x.answer(resp, body, op, shown))
	}
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
