package astana_plat_test

import (
	"testing"

	"github.com/credsync/credsync/providers/astana_plat"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

// block is a certificate block with those attributes.
func block(attrs map[string]string) map[string][]schema.Values {
	values := map[string]cty.Value{}
	for name, text := range attrs {
		values[name] = cty.StringVal(text)
	}
	table := &astana_plat.Spec().Blocks[0].Block
	return map[string][]schema.Values{"certificate": {schema.NewValues(table, "", values, nil)}}
}

func issue(t *testing.T, s *sandbox.Sandbox, c sandbox.ClientCertificate) (certPEM, keyPEM string) {
	t.Helper()
	certPEM, keyPEM, err := s.IssueCertificate(c)
	if err != nil {
		t.Fatal(err)
	}
	return certPEM, keyPEM
}
