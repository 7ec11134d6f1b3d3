package sandbox

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	hugeBytes = 50 << 20
	htmlPage  = "<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Something went wrong</h1></body></html>"
)

// before does what the fault does in place of processing the request, and
// reports whether that was all.
func (f *Fault) before(w http.ResponseWriter, c *call) bool {
	switch f.Kind {
	case Timeout:
		wait(c, c.maxHang)
		abort(w)
	case Reset:
		c.leave(c)
		abort(w)
	case Huge:
		c.leave(c)
		c.writeHuge(w)
	case Slow:
		wait(c, time.Duration(f.Delay))
		return false
	case Status, HTML, RateLimited, Redirect, Echo:
		c.write(w, f.reply(c))
	default:
		return false
	}
	return true
}

// after does what the fault does to the answer, and reports whether it is sent.
func (f *Fault) after(w http.ResponseWriter, c *call, answer reply) bool {
	switch f.Kind {
	case DropAnswer:
		c.leave(c)
		abort(w)
	case Truncated:
		body, contentType := answer.bytes()
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(answer.status)
		_, _ = w.Write(body[:len(body)/2])
		// Ends the connection with the rest of the body owing.
		panic(http.ErrAbortHandler)
	default:
		return false
	}
	return true
}

// reply is the answer of a fault that has one.
func (f *Fault) reply(c *call) reply {
	answer := reply{status: cmp.Or(f.Status, http.StatusInternalServerError), header: map[string]string{}}
	if f.RetryAfter != "" {
		answer.header["Retry-After"] = f.RetryAfter
	}
	switch f.Kind {
	case Status:
		answer.raw, answer.rawType = f.Body, cmp.Or(f.ContentType, "application/json")
	case HTML:
		answer.raw, answer.rawType = htmlPage, "text/html; charset=utf-8"
	case RateLimited:
		answer.status, answer.body = http.StatusTooManyRequests, errorBody("too many requests")
	case Redirect:
		answer.status = cmp.Or(f.Status, http.StatusFound)
		answer.header["Location"] = f.Location
	case Echo:
		answer.status = cmp.Or(f.Status, http.StatusBadRequest)
		answer.body = errorBody(presented(c.r) + " " + string(c.body) + " " + c.r.URL.RawQuery)
	}
	return answer
}

// wait returns after d, or when the client has left.
func wait(c *call, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.r.Context().Done():
	}
}

// abort breaks the connection, with a reset where it is TCP.
func abort(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if encrypted, ok := conn.(*tls.Conn); ok {
		// Below TLS, so that the client does not learn of the end either.
		conn = encrypted.NetConn()
	}
	if careful, ok := conn.(*lingeringConn); ok {
		conn = careful.TCPConn
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		// Without lingering, closing sends a reset in place of a FIN.
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// writeHuge sends a well-formed answer of 50 MB, or as much of it as the
// client takes.
func (c *call) writeHuge(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	chunk := bytes.Repeat([]byte("a"), 64<<10)
	_, err := w.Write([]byte(`{"message":"`))
	for sent := 0; sent < hugeBytes && err == nil; sent += len(chunk) {
		_, err = w.Write(chunk)
	}
	if err == nil {
		_, _ = w.Write([]byte(`"}`))
	}
}
