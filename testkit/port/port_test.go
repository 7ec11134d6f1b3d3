package port_test

import (
	"errors"
	"net"
	"syscall"
	"testing"

	"github.com/credsync/credsync/testkit/port"
)

func TestPortIsClosedUntilItIsAskedFor(t *testing.T) {
	address := port.Address(t)
	for range 2 {
		if conn, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("%v, %v", conn, err)
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
		_ = l.Close()
	}
}

func TestPortIsGivenToNobodyElse(t *testing.T) {
	reserved := map[int]bool{}
	for range 200 {
		n := port.Reserve(t)
		if reserved[n] {
			t.Fatalf("port %d was given out twice", n)
		}
		reserved[n] = true
	}
	for range 2000 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if n := l.Addr().(*net.TCPAddr).Port; reserved[n] {
			t.Errorf("port %d was given to another", n)
		}
		_ = l.Close()
	}
}
