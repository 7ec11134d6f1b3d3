package credtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/described"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

// madeUpEnd is when a certificate expires of which a test says nothing.
var madeUpEnd = time.Date(2049, 12, 31, 23, 59, 59, 0, time.UTC)

// certificateRow is the row of the block with an account's client certificate; nil for
// accounts that have none.
func certificateRow(spec *providers.Spec) *schema.Nested {
	i := slices.IndexFunc(spec.Blocks, func(n schema.Nested) bool { return n.Type == described.Certificate })
	if i < 0 {
		return nil
	}
	return &spec.Blocks[i]
}

// certificateOf is the block of a test's account. A test says of it what expressions see,
// { expires_at = … }; a certificate with that end is made, since none that is real belongs in
// a test. It is not presented: tests are offline.
func certificateOf(spec *providers.Spec, given cty.Value) (map[string][]schema.Values, error) {
	row := certificateRow(spec)
	wanted := given != cty.NilVal && !given.IsNull()
	switch {
	case row == nil, !wanted && row.Min == 0:
		return nil, nil
	case !wanted:
		given = cty.EmptyObjectVal
	}
	if !given.Type().IsObjectType() && !given.Type().IsMapType() {
		return nil, errors.New("it must be an object, such as { expires_at = \"2030-01-01T00:00:00Z\" }")
	}
	end := madeUpEnd
	for name, v := range given.AsValueMap() {
		if name != "expires_at" || v.Type() != cty.String || v.IsNull() {
			return nil, errors.New("it can have expires_at, a time of RFC 3339, and nothing else")
		}
		var err error
		if end, err = time.Parse(time.RFC3339, v.AsString()); err != nil {
			return nil, errors.New("expires_at must be a time of RFC 3339, such as \"2030-01-01T00:00:00Z\"")
		}
	}
	return madeUpCertificate(row, end)
}

func madeUpCertificate(row *schema.Nested, end time.Time) (map[string][]schema.Values, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "credsync test"},
		NotBefore: end.AddDate(-1, 0, 0), NotAfter: end,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("write a key: %w", err)
	}
	text := func(kind string, der []byte) cty.Value {
		return cty.StringVal(string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
	}
	return map[string][]schema.Values{row.Type: {schema.NewValues(&row.Block, "", map[string]cty.Value{
		"cert_pem": text("CERTIFICATE", der), "key_pem": text("PRIVATE KEY", keyDER),
	}, nil)}}, nil
}

// previewedCertificate stands for the certificate of an account whose requests are shown.
func previewedCertificate(spec *providers.Spec, v schema.Values) (map[string][]schema.Values, error) {
	row := certificateRow(spec)
	if row == nil || len(v.Nested(row.Type)) == 0 {
		return nil, nil
	}
	return madeUpCertificate(row, madeUpEnd)
}
