package upstream

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/go-hclog"
)

// maxBody bounds an answer, before and after decompression. The largest real
// one, a long list of customers, has some tens of kilobytes.
const maxBody = 1 << 20

// The ways in which an attempt fails that are this package's own finding.
var (
	errTimeout  = errors.New("no complete answer in time")
	errTooLarge = errors.New("the answer is larger than 1 MiB")
	errEncoding = errors.New("the answer's compression is corrupt or unknown")
)

// attempt sends a request once. It reads the whole answer, so that one cut
// short is a failed attempt like any other, bounded in time and in size.
type attempt struct {
	next    http.RoundTripper
	pool    *Pool
	timeout time.Duration
	log     hclog.Logger
}

func (a *attempt) RoundTrip(req *http.Request) (*http.Response, error) {
	start := time.Now()
	x := exchangeOf(req.Context())
	x.setLost(false)
	ctx, cancel := context.WithTimeoutCause(req.Context(), a.timeout, errTimeout)
	defer cancel()
	// From the moment there is a connection, bytes may be on their way, and a
	// failure no longer proves that the upstream saw nothing.
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { x.setLost(true) },
	})
	resp, err := a.next.RoundTrip(req.WithContext(ctx))
	if err == nil {
		err = readAll(resp, x)
	}
	took := time.Since(start).Round(time.Millisecond)
	if err != nil {
		if unprocessed(err) {
			x.setLost(false)
		}
		if ctx.Err() != nil && req.Context().Err() == nil {
			err = errTimeout
		}
		a.log.Debug("request failed", "method", req.Method, "host", req.URL.Host, "path", req.URL.Path,
			"why", transportFailure(err).message, "took", took)
		return nil, err
	}
	x.setLost(false)
	a.pool.sawDate(req.URL.Host, resp.Header)
	a.log.Debug("request answered", "method", req.Method, "host", req.URL.Host, "path", req.URL.Path,
		"status", resp.StatusCode, "took", took)
	return resp, nil
}

// readAll replaces the body by its decoded bytes. The exchange keeps the Location: net/http
// quotes one that it cannot parse, and it can repeat a query.
func readAll(resp *http.Response, x *exchange) error {
	defer resp.Body.Close()
	body, err := readBounded(resp.Body)
	if err != nil {
		return err
	}
	if body, err = decompress(resp.Header.Get("Content-Encoding"), body); err != nil {
		return err
	}
	resp.Header.Del("Content-Encoding")
	resp.ContentLength = int64(len(body))
	resp.Body = io.NopCloser(bytes.NewReader(body))
	x.keepLocation(resp.Header.Get("Location"))
	resp.Header.Del("Location")
	return nil
}

func readBounded(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = errTooLarge
	}
	return body, err
}

// decompress undoes an encoding. A text that is said to be in an encoding that
// nobody knows is as likely in none.
func decompress(encoding string, body []byte) ([]byte, error) {
	var r io.Reader
	var err error
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity", "none":
		return body, nil
	case "gzip", "x-gzip":
		r, err = gzip.NewReader(bytes.NewReader(body))
	case "deflate":
		// By the standard it is a zlib stream, yet some servers send a raw one.
		if r, err = zlib.NewReader(bytes.NewReader(body)); err != nil {
			r, err = flate.NewReader(bytes.NewReader(body)), nil
		}
	default:
		err = errEncoding
	}
	if err == nil {
		var plain []byte
		if plain, err = readBounded(r); err == nil || errors.Is(err, errTooLarge) {
			return plain, err
		}
	}
	if utf8.Valid(body) && bytes.IndexByte(body, 0) < 0 {
		return body, nil
	}
	return nil, errEncoding
}
