//go:build bench

package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// plainClient is a client that does nothing but send requests and read answers.
type plainClient struct {
	client      *http.Client
	header      http.Header
	concurrency int
	sent        atomic.Int64
}

func newPlainClient(transport *http.Transport, concurrency int, header http.Header) *plainClient {
	transport.MaxIdleConnsPerHost = concurrency
	return &plainClient{client: &http.Client{Transport: transport}, header: header, concurrency: concurrency}
}

// each calls f for 0 to n-1, several at a time, and returns how long it took.
func (f *plainClient) each(ctx context.Context, n int, work func(context.Context, int) error) (time.Duration, error) {
	begun := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(f.concurrency)
	for i := range n {
		group.Go(func() error { return work(ctx, i) })
	}
	err := group.Wait()
	return time.Since(begun), err
}

// send sends one request and reads the answer to its end. missing says that
// 404 is an answer as good as 200.
func (f *plainClient) send(ctx context.Context, method, url string, body any, missing bool) error {
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, content)
	if err != nil {
		return err
	}
	req.Header = f.header.Clone()
	f.sent.Add(1)
	resp, err := f.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode >= 300 && (!missing || resp.StatusCode != http.StatusNotFound) {
		return fmt.Errorf("%s %s: HTTP %d", method, url, resp.StatusCode)
	}
	return nil
}
