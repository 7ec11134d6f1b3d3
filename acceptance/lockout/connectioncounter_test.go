package lockout

import (
	"io"
	"net"
	"sync/atomic"
	"testing"
)

// connectionCounter passes connections on and counts them: what is refused in the handshake
// is no request, so that nobody else counts it.
type connectionCounter struct {
	address     string
	connections atomic.Int64
}

func newConnectionCounter(t *testing.T, to string) *connectionCounter {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	g := &connectionCounter{address: l.Addr().String()}
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			g.connections.Add(1)
			go forward(from, to)
		}
	}()
	return g
}

// forward ends when both sides have.
func forward(from net.Conn, address string) {
	defer from.Close()
	to, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer to.Close()
	answered := make(chan struct{})
	go func() {
		_, _ = io.Copy(from, to)
		_ = from.(*net.TCPConn).CloseWrite()
		close(answered)
	}()
	_, _ = io.Copy(to, from)
	_ = to.(*net.TCPConn).CloseWrite()
	<-answered
}
