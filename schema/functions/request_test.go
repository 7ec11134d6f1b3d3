package functions_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/schema/functions"
	"github.com/golang-jwt/jwt/v5"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// keys are private keys in every form, and what verifies their signatures.
type keys struct {
	pem    map[string]cty.Value
	public map[string]any
	rsa    *rsa.PrivateKey
}

var testKeys = sync.OnceValue(func() keys {
	k := keys{pem: map[string]cty.Value{}, public: map[string]any{}}
	add := func(name, label string, der []byte, err error, public any) {
		if err != nil {
			panic(err)
		}
		k.pem[name] = cty.StringVal(string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})))
		k.public[name] = public
	}
	k.rsa, _ = rsa.GenerateKey(rand.Reader, 2048)
	add("rsa1", "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(k.rsa), nil, k.rsa.Public())
	der, err := x509.MarshalPKCS8PrivateKey(k.rsa)
	add("rsa8", "PRIVATE KEY", der, err, k.rsa.Public())
	der, err = x509.MarshalPKIXPublicKey(k.rsa.Public())
	add("public", "PUBLIC KEY", der, err, nil)
	for name, curve := range map[string]elliptic.Curve{"p256": elliptic.P256(), "p384": elliptic.P384(), "p521": elliptic.P521()} {
		key, _ := ecdsa.GenerateKey(curve, rand.Reader)
		der, err = x509.MarshalECPrivateKey(key)
		add(name, "EC PRIVATE KEY", der, err, key.Public())
	}
	public, edwards, _ := ed25519.GenerateKey(rand.Reader)
	der, err = x509.MarshalPKCS8PrivateKey(edwards)
	add("ed", "PRIVATE KEY", der, err, public)
	k.pem["text"], k.public["text"] = cty.StringVal("shared"), []byte("shared")
	return k
})

// instant is what the clock says.
var instant = time.Date(2026, 3, 2, 13, 0, 0, 999, time.FixedZone("", 3*60*60))

func requestContext() *hcl.EvalContext {
	return &hcl.EvalContext{
		Functions: functions.RequestTable(func() time.Time { return instant }, rand.Reader),
		Variables: map[string]cty.Value{
			"key": cty.ObjectVal(testKeys().pem), "unknown": cty.UnknownVal(cty.String), "dynamic": cty.DynamicVal,
		},
	}
}

func TestRequestsSeeNoFilesAndNoEnvironment(t *testing.T) {
	table, ordinary := functions.RequestTable(nil, nil), functions.Table(functions.Options{})
	for _, name := range functions.ImpureNames() {
		if _, ok := table[name]; ok {
			t.Errorf("%s is there", name)
		}
		if _, ok := ordinary[name]; !ok {
			t.Errorf("%s is not an ordinary function", name)
		}
	}
	if want := []string{"env", "file", "filebase64", "fileexists", "fileset"}; !slices.Equal(functions.ImpureNames(), want) {
		t.Errorf("impure: %v", functions.ImpureNames())
	}
	if want := []string{"jwtsign", "rsaencrypt", "timestamp", "unixtime", "uuid"}; !slices.Equal(functions.RequestTimeNames(), want) {
		t.Errorf("of requests: %v", functions.RequestTimeNames())
	}
	if want := []string{"optional"}; !slices.Equal(functions.AnswerNames(), want) {
		t.Errorf("of answers: %v", functions.AnswerNames())
	}
	for name := range ordinary {
		if _, ok := table[name]; !ok && !slices.Contains(functions.ImpureNames(), name) {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestTimesOfRequests(t *testing.T) {
	for src, want := range map[string]cty.Value{
		`timestamp()`:                            cty.StringVal("2026-03-02T10:00:00Z"),
		`timeadd(timestamp(), "1h")`:             cty.StringVal("2026-03-02T11:00:00Z"),
		`unixtime()`:                             cty.NumberIntVal(1772445600),
		`tostring(unixtime() - 60)`:              cty.StringVal("1772445540"),
		`issensitive([timestamp(), unixtime()])`: cty.False,
		`issensitive(uuid())`:                    cty.False,
		`formatdate("YYYYMMDD", timestamp())`:    cty.StringVal("20260302"),
	} {
		got, problems := evaluate(t, requestContext(), src)
		if problems.HasErrors() || !got.RawEquals(want) {
			t.Errorf("%s = %#v, want %#v %v", src, got, want, problems)
		}
	}
}

func TestUUIDs(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for range 100 {
		got, problems := evaluate(t, requestContext(), `uuid()`)
		if problems.HasErrors() || !form.MatchString(got.AsString()) || seen[got.AsString()] {
			t.Fatalf("%#v %v", got, problems)
		}
		seen[got.AsString()] = true
	}
	fixed := functions.RequestTable(nil, bytes.NewReader(bytes.Repeat([]byte{0xff}, 16)))["uuid"]
	if got, err := fixed.Call(nil); err != nil || got.AsString() != "ffffffff-ffff-4fff-bfff-ffffffffffff" {
		t.Errorf("%#v, %v", got, err)
	}
	if got, err := fixed.Call(nil); err == nil {
		t.Errorf("without random numbers it is %#v", got)
	}
}

func TestSignedTokensVerify(t *testing.T) {
	for alg, key := range map[string]string{
		"RS256": "rsa1", "RS384": "rsa8", "RS512": "rsa8", "PS256": "rsa8", "PS384": "rsa1", "PS512": "rsa8",
		"ES256": "p256", "ES384": "p384", "ES512": "p521", "EdDSA": "ed", "HS256": "text", "HS384": "text", "HS512": "text",
	} {
		t.Run(alg, func(t *testing.T) {
			src := `jwtsign({ iss = "app", aud = ["a", "b"], iat = unixtime(), id = 12345678901234567890123, none = null }, key.` +
				key + `, "` + alg + `", { kid = "one" })`
			got, problems := evaluate(t, requestContext(), src)
			if problems.HasErrors() {
				t.Fatal(problems)
			}
			if !got.HasMark(functions.Sensitive) {
				t.Error("it is not sensitive")
			}
			token, _ := got.Unmark()
			parser := jwt.NewParser(jwt.WithValidMethods([]string{alg}), jwt.WithJSONNumber())
			public := func(*jwt.Token) (any, error) { return testKeys().public[key], nil }
			read, err := parser.Parse(token.AsString(), public)
			if err != nil {
				t.Fatal(err)
			}
			if read.Header["kid"] != "one" || read.Header["typ"] != "JWT" {
				t.Errorf("headers %v", read.Header)
			}
			claims := strings.Split(token.AsString(), ".")[1]
			text, err := base64.RawURLEncoding.DecodeString(claims)
			want := `{"aud":["a","b"],"iat":1772445600,"id":12345678901234567890123,"iss":"app","none":null}`
			if err != nil || string(text) != want {
				t.Errorf("claims %s %v", text, err)
			}
		})
	}
}

func TestHeadersOfSignedTokens(t *testing.T) {
	for headers, want := range map[string]string{
		``:                                     `{"alg":"HS256","typ":"JWT"}`,
		`, {}`:                                 `{"alg":"HS256","typ":"JWT"}`,
		`, { kid = null }`:                     `{"alg":"HS256","typ":"JWT"}`,
		`, { typ = null }`:                     `{"alg":"HS256"}`,
		`, { typ = "at+jwt", kid = "k", n=1 }`: `{"alg":"HS256","kid":"k","n":1,"typ":"at+jwt"}`,
		`, tomap({ kid = "k" })`:               `{"alg":"HS256","kid":"k","typ":"JWT"}`,
	} {
		got, problems := evaluate(t, requestContext(), `nonsensitive(jwtsign(tomap({ a = 1 }), "k", "HS256"`+headers+`))`)
		if problems.HasErrors() {
			t.Errorf("%s: %s", headers, problems)
			continue
		}
		text, err := base64.RawURLEncoding.DecodeString(strings.Split(got.AsString(), ".")[0])
		if err != nil || string(text) != want {
			t.Errorf("%s: %s %v", headers, text, err)
		}
	}
}

func TestEncryptedTextIsWhatTheKeyDecrypts(t *testing.T) {
	oaep := func(hash crypto.Hash) crypto.DecrypterOpts { return &rsa.OAEPOptions{Hash: hash} }
	for padding, options := range map[string]crypto.DecrypterOpts{
		"pkcs1v15": nil, "oaep_sha1": oaep(crypto.SHA1), "oaep_sha256": oaep(crypto.SHA256), "oaep_sha512": oaep(crypto.SHA512),
	} {
		got, problems := evaluate(t, requestContext(), `rsaencrypt("пароль", key.public, "`+padding+`")`)
		if problems.HasErrors() {
			t.Fatal(problems)
		}
		if !got.HasMark(functions.Sensitive) {
			t.Error("it is not sensitive")
		}
		text, _ := got.Unmark()
		ciphertext, err := base64.StdEncoding.DecodeString(text.AsString())
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := testKeys().rsa.Decrypt(nil, ciphertext, options); err != nil || string(plain) != "пароль" {
			t.Errorf("%s: %q %v", padding, plain, err)
		}
	}
}

func TestRequestFunctionsRefuseWhatTheyCannotDo(t *testing.T) {
	tiny := strings.ReplaceAll(tinyKey, "\n", `\n`)
	for src, want := range map[string]string{
		`jwtsign({}, key.rsa8, "none")`:                                      "alg must be one of RS256",
		`jwtsign({}, key.rsa8, "canary")`:                                    "alg must be one of RS256",
		`jwtsign({}, key.rsa8, "rs256")`:                                     "alg must be one of RS256",
		`jwtsign({}, key.rsa8, "ES256")`:                                     "does not fit the algorithm",
		`jwtsign({}, key.p384, "ES256")`:                                     "does not fit the algorithm",
		`jwtsign({}, key.p256, "RS256")`:                                     "does not fit the algorithm",
		`jwtsign({}, key.p256, "EdDSA")`:                                     "does not fit the algorithm",
		`jwtsign({}, key.ed, "PS256")`:                                       "does not fit the algorithm",
		`jwtsign({}, key.rsa8, "HS256")`:                                     "shared secret",
		`jwtsign({}, "", "HS256")`:                                           "shared secret",
		`jwtsign({}, "canary", "RS256")`:                                     "contains no private key",
		`jwtsign({}, key.public, "RS256")`:                                   "contains no private key",
		`jwtsign({}, substr(key.rsa8, 0, 600), "RS256")`:                     "damaged",
		`jwtsign([], key.rsa8, "RS256")`:                                     "claims must be an object",
		`jwtsign("canary", key.rsa8, "RS256")`:                               "claims must be an object",
		`jwtsign(null, key.rsa8, "RS256")`:                                   "must not be null",
		`jwtsign({}, null, "RS256")`:                                         "must not be null",
		`jwtsign({}, "canary", "HS256", "canary")`:                           "headers must be an object",
		`jwtsign({}, "canary", "HS256", {}, {})`:                             "headers must be an object",
		`jwtsign({}, "canary", "HS256", { alg = "canary" })`:                 "must not contain alg",
		`jwtsign({ canary = 1/0 }, "canary", "HS256")`:                       "",
		`jwtsign({ a = sensitive("canary") }, sensitive("canary"), "RS256")`: "contains no private key",
		`rsaencrypt("canary", key.public, "canary")`:                         "padding must be one of pkcs1v15",
		`rsaencrypt("canary", "canary", "pkcs1v15")`:                         "contains no public key",
		`rsaencrypt("canary", key.rsa8, "pkcs1v15")`:                         "contains a private key",
		`rsaencrypt("canary", "` + tiny + `", "pkcs1v15")`:                   "at least 1024 bits",
		`rsaencrypt(join("", range(500)), key.public, "oaep_sha256")`:        "at most 190 bytes",
		`rsaencrypt(null, key.public, "oaep_sha256")`:                        "must not be null",
	} {
		_, problems := evaluate(t, requestContext(), src)
		if !problems.HasErrors() || !strings.Contains(problems.Error(), want) || strings.Contains(problems.Error(), "canary") {
			t.Errorf("%s: got %v, want %q", src, problems, want)
		}
	}
}

func TestRequestFunctionsWaitForWhatIsUnknown(t *testing.T) {
	for _, src := range []string{
		`jwtsign({ a = unknown }, key.rsa8, "RS256")`, `jwtsign({}, unknown, "RS256")`, `jwtsign({}, key.rsa8, unknown)`,
		`jwtsign(dynamic, key.rsa8, "RS256")`, `jwtsign({}, key.rsa8, "RS256", { kid = unknown })`, `jwtsign({}, key.rsa8, "RS256", dynamic)`,
		`jwtsign({}, dynamic, "RS256")`, `rsaencrypt(unknown, key.public, "pkcs1v15")`, `rsaencrypt("x", dynamic, "pkcs1v15")`,
		`rsaencrypt("x", key.public, unknown)`,
	} {
		got, problems := evaluate(t, requestContext(), src)
		if problems.HasErrors() || got.IsKnown() || !got.HasMark(functions.Sensitive) {
			t.Errorf("%s = %#v %v", src, got, problems)
		}
	}
}

// tinyKey has 512 bits.
const tinyKey = `-----BEGIN PUBLIC KEY-----
MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAN7hDhXbY1qP32M1NQ85FQC5zueAwle+
LcvF/hNLtBE4sC8p5kdzFvDad3A+xrhCDlf5d7+PVZvSu+QXGTvmR+cCAwEAAQ==
-----END PUBLIC KEY-----
`
