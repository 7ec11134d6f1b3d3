package upstream

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"testing"
)

func gzipped(tb testing.TB, plain []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(plain); err != nil || w.Close() != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func TestABombIsNotUnpacked(t *testing.T) {
	bomb := gzipped(t, make([]byte, 64<<20))
	if len(bomb) > maxBody {
		t.Fatalf("the bomb has %d bytes, so that its size alone would refuse it", len(bomb))
	}
	allocated := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := decompress("gzip", bomb); !errors.Is(err, errTooLarge) {
				b.Fatalf("decompress = %v, want %v", err, errTooLarge)
			}
		}
	}).AllocedBytesPerOp()
	if allocated > 16*maxBody {
		t.Errorf("refusing it took %d bytes of memory, the limit of an answer being %d", allocated, maxBody)
	}
}

// FuzzDecompress: no encoding and no bytes give more than the limit, or an error
// that is not one of two.
func FuzzDecompress(f *testing.F) {
	var deflated bytes.Buffer
	w := zlib.NewWriter(&deflated)
	_, _ = io.WriteString(w, `{"a":1}`)
	_ = w.Close()
	for _, body := range [][]byte{nil, []byte("{}"), gzipped(f, []byte(`{"a":1}`)), gzipped(f, make([]byte, maxBody+1)),
		gzipped(f, gzipped(f, []byte("x"))), deflated.Bytes(), deflated.Bytes()[2:]} {
		for _, encoding := range []string{"gzip", "deflate", "br", "", "GZIP", "gzip, gzip"} {
			f.Add(encoding, body)
		}
	}
	f.Fuzz(func(t *testing.T, encoding string, body []byte) {
		if len(body) > maxBody {
			return // refused before
		}
		plain, err := decompress(encoding, body)
		if len(plain) > maxBody && err == nil {
			t.Errorf("%d bytes came out", len(plain))
		}
		if err != nil && !errors.Is(err, errTooLarge) && !errors.Is(err, errEncoding) {
			t.Errorf("the error is %v", err)
		}
	})
}
