package described

import (
	"time"

	"github.com/credsync/credsync/providers/clientcertificate"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

// The values of client_certificate.
const (
	CertificateNone     = "none"
	CertificateOptional = "optional"
	CertificateRequired = "required"
)

// Certificate is the name of the block that has an account's client certificate, and of what
// expressions see of it.
const Certificate = clientcertificate.Keyword

const certificateDoc = "The client certificate that the account presents in TLS: `cert_pem` and `key_pem`, or `pkcs12_base64`. credsync checks it before it sends anything, and warns before it expires. Expressions see `self.certificate`: null without the block, else an object with `expires_at`."

// CertificateType is the type of self.certificate.
var CertificateType = cty.Object(map[string]cty.Type{"expires_at": cty.String})

// CertificateBlock is the row of the block. An account whose description has no expression
// for it may have one too: that the upstream asks for a certificate shows in TLS alone.
func CertificateBlock(required bool) schema.Nested {
	row := schema.Nested{Block: clientcertificate.Block(certificateDoc), Max: 1}
	if required {
		row.Min = 1
	}
	return row
}

// takesCertificate reports whether an account can have a client certificate.
func (d *Definition) takesCertificate() bool {
	return d.ClientCertificate == CertificateOptional || d.ClientCertificate == CertificateRequired
}

func (d *Definition) blocks() []schema.Nested {
	if !d.takesCertificate() {
		return nil
	}
	return []schema.Nested{CertificateBlock(d.ClientCertificate == CertificateRequired)}
}

// certificateValue is what self.certificate means. When it ends is not known before the
// certificate is read, which takes a while where its key is encrypted.
func certificateValue(v schema.Values, dates *clientcertificate.Dates) cty.Value {
	ends := cty.UnknownVal(cty.String)
	switch {
	case len(v.Nested(Certificate)) == 0:
		return cty.NullVal(CertificateType)
	case dates != nil:
		ends = cty.StringVal(dates.Ends().Format(time.RFC3339))
	}
	return cty.ObjectVal(map[string]cty.Value{"expires_at": ends})
}
