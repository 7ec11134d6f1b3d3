package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// maxRequest bounds a request's body; no documented one comes near it.
const maxRequest = 64 << 10

// emulator is one upstream.
type emulator struct {
	name   string
	routes []route
}

// route is one documented request.
type route struct {
	// op is what it counts as.
	op string
	// classify finds that out by the request, where one URL serves several
	// operations; nil where op says it.
	classify func(*call) string
	// pattern is that of http.ServeMux, with a method.
	pattern string
	// rules are what the request must keep; see rule.
	rules []rule
	// owner finds whose request it is; nil for nobody's. It may note
	// violations itself.
	owner func(*call) *account
	// answer processes the request, with the mutex held.
	answer func(*call) reply
}

// call is a request being processed.
type call struct {
	*Sandbox
	r    *http.Request
	body []byte
	op   string
	// upstream is whose route this is.
	upstream string
	account  *account
	// fault that hits it, or nil.
	fault *Fault
	// violations found in it.
	violations []string
	// anonymous marks a request without credentials that is answered all the
	// same, as the upstream's document says.
	anonymous bool
	// left says that it no longer counts as running.
	left bool
}

func (c *call) violate(format string, args ...any) {
	c.violations = append(c.violations, fmt.Sprintf(format, args...))
}

// faulty reports whether a fault of that kind hits the call.
func (c *call) faulty(kind Kind) bool { return c.fault != nil && c.fault.Kind == kind }

// reply is an answer: JSON, unless raw is set.
type reply struct {
	status   int
	body     any
	raw      string
	rawType  string
	header   map[string]string
	rejected bool
}

func (s *Sandbox) serve(e emulator) http.Handler {
	mux := http.NewServeMux()
	for _, route := range e.routes {
		mux.HandleFunc(route.pattern, func(w http.ResponseWriter, r *http.Request) { s.process(w, r, e, route) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		c := &s.account(e.name, unknown).counters
		// The path is the client's own words, but no document has a secret there.
		c.Violations = append(c.Violations, fmt.Sprintf("%s %s is not documented", r.Method, r.URL.Path))
		s.mu.Unlock()
		s.write(w, reply{status: http.StatusNotFound, body: errorBody("no such endpoint")})
	})
	return mux
}

// process judges a request, lets a fault hit it, answers it and counts.
func (s *Sandbox) process(w http.ResponseWriter, r *http.Request, e emulator, route route) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	c := &call{Sandbox: s, r: r, body: body, op: route.op, upstream: e.name}
	if err != nil {
		c.violate("the body cannot be read or is longer than %d bytes", maxRequest)
	}
	if route.classify != nil {
		c.op = route.classify(c)
	}
	for _, rule := range route.rules {
		rule(c)
	}
	s.arrive(c, route)
	defer s.leave(c)
	if c.fault != nil && c.fault.before(w, c) {
		return
	}
	s.mu.Lock()
	answer := s.answer(c, route)
	s.mu.Unlock()
	if c.fault != nil && c.fault.after(w, c, answer) {
		return
	}
	s.write(w, answer)
}

// arrive finds the account and the fault, and counts the request.
func (s *Sandbox) arrive(c *call, route route) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.account = route.owner(c)
	name := unknown
	if c.account != nil {
		name = c.account.Name
	}
	counted := s.account(c.upstream, name)
	counted.counters.of(c.op).Received++
	if c.op == OpLogin && c.account != nil {
		c.account.loginsRunning++
		if c.account.loginsRunning > 1 {
			c.violate("two logins of one account at the same time")
		}
	}
	counted.counters.Violations = append(counted.counters.Violations, c.violations...)
	c.fault = s.nextFault(c.upstream, name, c.op)
	if s.observer != nil {
		s.observer()
	}
}

// leave ends a request. It is called before the client can know the end, which
// may send its next one at once.
func (s *Sandbox) leave(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.op == OpLogin && c.account != nil && !c.left {
		c.left = true
		c.account.loginsRunning--
	}
}

// answer processes the request and counts how it went.
func (s *Sandbox) answer(c *call, route route) reply {
	if c.faulty(RevokedToken) {
		s.revokeToken(presented(c.r))
	}
	var answer reply
	if len(c.violations) > 0 && !c.anonymous {
		answer = reply{status: http.StatusBadRequest, body: errorBody("protocol violation: " + c.violations[0])}
	} else {
		answer = route.answer(c)
	}
	a := c.account
	if a == nil {
		a = s.account(c.upstream, unknown)
	}
	count := a.counters.of(c.op)
	if answer.rejected || answer.status >= 300 {
		count.Rejected++
	} else {
		count.Accepted++
		if t := s.issued(c.upstream, presented(c.r)); t != nil && c.op == OpVerify {
			t.verified = true
		}
	}
	return answer
}

func (s *Sandbox) revokeToken(value string) {
	if t := s.tokens[value]; t != nil {
		t.revoked = true
	}
}

// write sends an answer.
func (s *Sandbox) write(w http.ResponseWriter, answer reply) {
	body, contentType := answer.bytes()
	h := w.Header()
	s.date(h)
	for name, value := range answer.header {
		h.Set(name, value)
	}
	if contentType != "" {
		h.Set("Content-Type", contentType)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(answer.status)
	// A client that has left is no concern of the upstream.
	_, _ = w.Write(body)
}

// date tells the sandbox's time, which is not always the machine's.
func (s *Sandbox) date(h http.Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h.Set("Date", s.now().UTC().Format(http.TimeFormat))
}

// dated has even those answers tell the sandbox's time that no upstream gives,
// such as that there is nothing at a path.
func (s *Sandbox) dated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.date(w.Header())
		next.ServeHTTP(w, r)
	})
}

func (r reply) bytes() ([]byte, string) {
	if r.body == nil {
		return []byte(r.raw), r.rawType
	}
	body, err := json.Marshal(r.body)
	if err != nil {
		panic("sandbox: cannot encode an answer: " + err.Error())
	}
	return body, "application/json"
}

// errorBody is an error in the forms of all upstreams at once.
func errorBody(message string) map[string]any {
	return map[string]any{
		"message": message, "error": map[string]any{"message": message, "code": "error"}, "error_description": message,
		"responseStatus": "FAILURE", "errors": []any{map[string]any{"type": "MALFORMED_URL", "message": message}},
	}
}
