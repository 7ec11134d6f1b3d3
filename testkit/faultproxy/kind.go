package faultproxy

import (
	"hash/fnv"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Kind is what happens to an exchange.
type Kind string

// The kinds. Those up to Redirect keep the request from the server; those from
// Lost on let it be processed first.
const (
	// Reset breaks the connection before the server has the request.
	Reset Kind = "reset"
	// TooMany answers 429, to be tried again at once.
	TooMany Kind = "too_many"
	// TurnedAway answers 503, to be tried again at once.
	TurnedAway Kind = "turned_away"
	// Unavailable answers a bare 503; BadGateway a 502; ServerError a 500.
	Unavailable Kind = "unavailable"
	BadGateway  Kind = "bad_gateway"
	ServerError Kind = "server_error"
	// Page answers 200 with a page for a browser.
	Page Kind = "page"
	// Redirect answers 302 to nowhere.
	Redirect Kind = "redirect"

	// Slow passes everything on, late.
	Slow Kind = "slow"

	// Lost breaks the connection in place of the answer.
	Lost Kind = "lost"
	// Truncated sends half of the answer.
	Truncated Kind = "truncated"
	// LateUnavailable, LateTimeout and LatePage answer a bare 503, a 504 and a
	// page for a browser in place of the server's answer.
	LateUnavailable Kind = "late_unavailable"
	LateTimeout     Kind = "late_timeout"
	LatePage        Kind = "late_page"
)

// AllKinds are all faults. Of these, Redirect is not for clients that follow.
var AllKinds = []Kind{Reset, TooMany, TurnedAway, Unavailable, BadGateway, ServerError, Page, Redirect,
	Slow, Lost, Truncated, LateUnavailable, LateTimeout, LatePage}

// slowBy is how late Slow is.
const slowBy = 20 * time.Millisecond

const page = "<!DOCTYPE html><html><body><h1>Sorry</h1></body></html>"

// Pick draws what happens to the n-th request of a key: always the same for the
// same seed.
func Pick(seed uint64, key string, n uint64, rate float64, kinds []Kind) Kind {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key))
	random := rand.New(rand.NewPCG(seed, h.Sum64()^n*0x9e3779b97f4a7c15))
	if random.Float64() >= rate {
		return ""
	}
	return kinds[random.IntN(len(kinds))]
}

// before reports whether the kind keeps the request from the server.
func (k Kind) before() bool {
	return slices.Contains([]Kind{Reset, TooMany, TurnedAway, Unavailable, BadGateway, ServerError, Page, Redirect}, k)
}

// answer is the server's.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// reply sends what the client is to get; a nil answer means that there is none.
func (k Kind) reply(w http.ResponseWriter, a *answer) {
	switch k {
	case TooMany:
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusTooManyRequests)
	case TurnedAway:
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusServiceUnavailable)
	case Unavailable, LateUnavailable:
		w.WriteHeader(http.StatusServiceUnavailable)
	case BadGateway:
		w.WriteHeader(http.StatusBadGateway)
	case LateTimeout:
		w.WriteHeader(http.StatusGatewayTimeout)
	case ServerError:
		w.WriteHeader(http.StatusInternalServerError)
	case Page, LatePage:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(page))
	case Redirect:
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(http.StatusFound)
	case "", Slow, Truncated:
		a.send(w, k == Truncated)
	default:
		abort(w)
	}
}

// send passes the answer on, or half of it.
func (a *answer) send(w http.ResponseWriter, half bool) {
	if a == nil {
		// The server itself gave none.
		abort(w)
		return
	}
	for name, values := range a.header {
		if name != "Connection" && name != "Transfer-Encoding" {
			w.Header()[name] = values
		}
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	if !half {
		_, _ = w.Write(a.body)
		return
	}
	_, _ = w.Write(a.body[:len(a.body)/2])
	_ = http.NewResponseController(w).Flush()
	abort(w)
}

// abort breaks the connection with a reset.
func abort(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
