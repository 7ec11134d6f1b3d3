package sandbox

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"time"
)

// StartTLS serves over TLS too, at a loopback address of its own, until Close.
// Clients are asked for a certificate; one that the sandbox's authority has not
// issued, or that is not valid by the sandbox's clock, ends the handshake. It
// is called at most once.
func (s *Sandbox) StartTLS(address string) error {
	listener, err := listen(address)
	if err != nil {
		return err
	}
	template := certificateOf("127.0.0.1", s.authority.cert.NotBefore, s.authority.cert.NotAfter)
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	template.IPAddresses, template.DNSNames = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}, []string{"localhost"}
	cert, err := s.authority.issue(template)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	clients := x509.NewCertPool()
	clients.AddCert(s.authority.cert)
	s.tlsURL = "https://" + listener.Addr().String()
	s.serveAt(tls.NewListener(lingering{listener}, &tls.Config{
		Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS12,
		ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: clients,
		Time: func() time.Time { return s.Advance(0) },
	}))
	return nil
}

// TLSURL returns the base URL of an upstream over TLS, or of all if upstream
// is ""; "" before StartTLS.
func (s *Sandbox) TLSURL(upstream string) string {
	if upstream == "" || s.tlsURL == "" {
		return s.tlsURL
	}
	return s.tlsURL + "/" + upstream
}

// TLSURLs returns the base URL of each upstream over TLS; none before StartTLS.
func (s *Sandbox) TLSURLs() map[string]string {
	if s.tlsURL == "" {
		return map[string]string{}
	}
	return s.urls(s.tlsURL)
}

// lingering closes connections as careful servers do: what the client still
// sends is read, since otherwise a reset could overtake the last thing that it
// was told, such as why its certificate is refused.
type lingering struct{ net.Listener }

func (l lingering) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok {
		return &lingeringConn{TCPConn: tcp}, err
	}
	return conn, err
}

type lingeringConn struct{ *net.TCPConn }

func (c *lingeringConn) Close() error {
	if err := c.CloseWrite(); err != nil {
		return c.TCPConn.Close()
	}
	_ = c.SetReadDeadline(time.Now().Add(time.Second))
	go func() {
		_, _ = io.Copy(io.Discard, c.TCPConn)
		_ = c.TCPConn.Close()
	}()
	return nil
}
