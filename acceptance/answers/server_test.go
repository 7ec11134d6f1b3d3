package answers

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"time"
)

// server is the upstream: it answers one operation as the cell says, and all others well.
type server struct {
	*httptest.Server
	mu sync.Mutex
	w  *world
	// armed says that the cell's answers have begun.
	armed bool
	// wantsCode has logins answered with the demand for a code.
	wantsCode bool
	// seen counts the requests since then.
	seen map[operation]int
	// draw has each request answered by a cell of its own, or well.
	draw func(operation) (cell, bool)
	// tokenOf makes the tokens, where they are not of a simple kind.
	tokenOf func(n int) string
	// tokens are those that were sent in a success; made counts all.
	tokens []string
	made   int
}

func newServer() *server {
	s := &server{}
	s.Server = httptest.NewUnstartedServer(s)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	return s
}

// begin turns to another world.
func (s *server) begin(w *world) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.w, s.armed, s.wantsCode, s.seen, s.tokens = w, false, false, map[operation]int{}, nil
}

// arm begins with the cell's answers.
func (s *server) arm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed, s.seen, s.tokens = true, map[operation]int{}, nil
}

// issued are the tokens that were sent since the cell's answers began.
func (s *server) issued() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.tokens)
}

func (s *server) count(op operation) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[op]
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sent, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	op := s.w.up.operationOf(r, string(sent))
	s.seen[op]++
	s.made++
	value := s.newToken()
	c, date := s.w.cell, s.w.Now().UTC().Format(http.TimeFormat)
	mine := s.armed && op == c.situation.op
	if s.draw != nil && s.armed {
		c, mine = s.draw(op)
	}
	status, answer := http.StatusOK, written{contentType: "application/json"}
	switch {
	case mine:
		status, answer = c.status, c.write(value, r.URL.String()+" "+r.Header.Get("Authorization")+" "+string(sent), s.w)
	case op == opLogin && s.wantsCode:
		status, answer.bytes = http.StatusUnauthorized, []byte(`{"error":"mfa_required"}`)
	default:
		answer.bytes = []byte(s.w.up.good(op, status, value, s.w.Now()))
	}
	if brings(op) && (!mine || c.bringsToken()) && !(op == opLogin && s.wantsCode && !mine) {
		s.tokens = append(s.tokens, value)
	}
	s.mu.Unlock()
	w.Header().Set("Date", date)
	answer.send(w, status)
}

func (s *server) newToken() string {
	if s.tokenOf != nil {
		return s.tokenOf(s.made)
	}
	return fmt.Sprintf("token-%d-of-%s", s.made, s.w.up.name)
}

// brings reports whether an operation is answered with a token.
func brings(op operation) bool { return op == opLogin || op == opRefresh || op == opEnterCode }

func (a written) send(w http.ResponseWriter, status int) {
	time.Sleep(a.noise.delay)
	if a.noise.lost {
		panic(http.ErrAbortHandler)
	}
	h := w.Header()
	for name, value := range a.noise.headers {
		h.Set(name, value)
	}
	h.Set("Content-Type", a.contentType)
	if a.encoding != "" {
		h.Set("Content-Encoding", a.encoding)
	}
	if a.retryAfter != "" {
		h.Set("Retry-After", a.retryAfter)
	}
	if status < 200 {
		sendUnfinished(w, status)
		return
	}
	if status >= 300 && status < 400 {
		h.Set("Location", "https://elsewhere.test/login")
	}
	if !hasBody(status) {
		w.WriteHeader(status)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(a.bytes)+a.cut))
	w.WriteHeader(status)
	_, _ = w.Write(a.bytes)
	if a.cut > 0 {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// sendUnfinished sends a status that no answer ends with, and ends the connection.
func sendUnfinished(w http.ResponseWriter, status int) {
	conn, buffer, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = fmt.Fprintf(buffer, "HTTP/1.1 %d Unfinished\r\n\r\n", status)
	_ = buffer.Flush()
}
