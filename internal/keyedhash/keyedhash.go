// Package keyedhash makes fingerprints of lists of texts, secret ones among them,
// that say nothing to anyone without the key.
package keyedhash

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
)

// Hash is a keyed hash (HMAC-SHA-256) of a list of texts.
type Hash struct {
	mac hash.Hash
	// part is what is written next; it is kept, since there are many.
	part []byte
}

// New returns the hash of no texts yet.
func New(key []byte) Hash { return Hash{mac: hmac.New(sha256.New, key)} }

// Write adds a text behind its length, so that no two lists give the same bytes.
func (h *Hash) Write(s string) {
	h.part = binary.BigEndian.AppendUint64(h.part[:0], uint64(len(s)))
	h.part = append(h.part, s...)
	_, _ = h.mac.Write(h.part)
}

// Reset makes it the hash of no texts again, under the same key.
func (h *Hash) Reset() { h.mac.Reset() }

// Sum is the hash of what was written, in hexadecimal digits.
func (h *Hash) Sum() string { return hex.EncodeToString(h.mac.Sum(nil)) }
