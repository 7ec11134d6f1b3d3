package upstream

import (
	"bytes"
	"errors"
	"testing"
)

// An answer that cannot be unpacked is not an empty one: it may have had a token in it.
func TestWhatCannotBeUnpackedIsAnError(t *testing.T) {
	whole := gzipped(t, []byte(`{"access_token":"canary"}`))
	broken := bytes.Clone(whole)
	broken[len(broken)-1] ^= 0xff
	for name, tt := range map[string]struct {
		encoding string
		body     []byte
	}{
		"cut off":           {"gzip", whole[:len(whole)-3]},
		"a wrong checksum":  {"gzip", broken},
		"another encoding":  {"deflate", whole},
		"not in it":         {"gzip", []byte("\x00\x01\x02")},
		"nobody knows it":   {"br", []byte("\x8b\x03\x80{}")},
		"bytes of no text":  {"zstd", []byte("\xff\xfe\xfd")},
		"a text with a nul": {"x-gzip", []byte("a\x00b")},
		"several encodings": {"gzip, gzip", whole},
	} {
		if plain, err := decompress(tt.encoding, tt.body); !errors.Is(err, errEncoding) || plain != nil {
			t.Errorf("%s: %q, %v", name, plain, err)
		}
	}
	for encoding, body := range map[string][]byte{
		"": []byte("{}"), "identity": []byte("{}"), "none": []byte("{}"), " NONE ": []byte("\x00"), "gzip": []byte("{}"), "br": []byte("{}"), "X-GZIP": gzipped(t, []byte("{}")),
		"\t": []byte("\x00"), "Identity": []byte("\x00"),
	} {
		if plain, err := decompress(encoding, body); err != nil || string(plain) != "{}" && string(plain) != "\x00" {
			t.Errorf("%q: %q, %v", encoding, plain, err)
		}
	}
	for length, want := range map[int]error{1048576: nil, 1048577: errTooLarge} { // 1 MiB, as the message says
		if plain, err := decompress("gzip", gzipped(t, make([]byte, length))); !errors.Is(err, want) ||
			want == nil && len(plain) != length {
			t.Errorf("%d bytes: %d, %v", length, len(plain), err)
		}
		if body, err := readBounded(bytes.NewReader(make([]byte, length))); !errors.Is(err, want) ||
			want == nil && len(body) != length {
			t.Errorf("%d bytes in no encoding: %d, %v", length, len(body), err)
		}
	}
}
