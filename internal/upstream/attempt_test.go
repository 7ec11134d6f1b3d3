package upstream_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"testing"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
)

var compressions = []struct {
	name, encoding string
	ok             bool
	encode         func(*testing.T) []byte
}{
	{"gzip", "gzip", true, compressed(`{"ok":true}`, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })},
	{"deflate", "deflate", true, compressed(`{"ok":true}`, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })},
	{"raw deflate", "deflate", true, compressed(`{"ok":true}`, rawDeflate)},
	{"none", "identity", true, func(*testing.T) []byte { return []byte(`{"ok":true}`) }},
	{"corrupt", "deflate", false, func(*testing.T) []byte { return []byte("not compressed") }},
	{"none", "none", true, func(*testing.T) []byte { return []byte(`{"ok":true}`) }},
	{"not compressed", "gzip", true, func(*testing.T) []byte { return []byte(`{"ok":true}`) }},
	{"in an encoding that nobody knows", "aws-chunked", true, func(*testing.T) []byte { return []byte(`{"ok":true}`) }},
	{"other name of gzip", "x-gzip", true, compressed(`{"ok":true}`, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })},
	{"unknown", "br", false, func(*testing.T) []byte { return []byte("x") }},
	{"bomb", "deflate", false, compressed(string(make([]byte, 4<<20)), rawDeflate)},
}

func rawDeflate(w io.Writer) io.WriteCloser {
	f, err := flate.NewWriter(w, flate.BestCompression)
	if err != nil {
		panic(err)
	}
	return f
}

func compressed(text string, writer func(io.Writer) io.WriteCloser) func(*testing.T) []byte {
	return func(t *testing.T) []byte {
		t.Helper()
		var buf bytes.Buffer
		w := writer(&buf)
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
}

func TestCompressedAnswers(t *testing.T) {
	for _, c := range compressions {
		t.Run(c.name, func(t *testing.T) {
			base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("Content-Encoding", c.encoding)
				_, _ = w.Write(c.encode(t))
			})
			cl, _ := client(t, upstream.Options{BaseURL: base})
			req, err := http.NewRequest("GET", base, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Accept-Encoding", c.encoding)
			a, err := upstream.Do(t.Context(), cl, req, upstream.Op{Name: "x"})
			var body *upstream.Object
			if err == nil {
				body, err = a.Object()
			}
			if ok := body.Flag("ok"); c.ok && (err != nil || ok == nil || !*ok) {
				t.Errorf("%v, %v", body, err)
			}
			if !c.ok && upstreamError(t, err).Class != failure.Server {
				t.Error(err)
			}
		})
	}
}
