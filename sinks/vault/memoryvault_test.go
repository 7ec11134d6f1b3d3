package vault_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/testkit/servers"
)

// memoryVault behaves as a Vault does, as far as credsync's requests go: both versions of
// KV, policies, tokens and AppRole. The acceptance tests run the same tests against a
// real one.
type memoryVault struct {
	mu       sync.Mutex
	made     int
	mounts   map[string]*kvMount
	policies map[string]map[string][]string // capabilities by path, by policy
	tokens   map[string]*vaultToken
	roles    map[string]any
	approle  bool
}

type kvMount struct {
	kind, version string
	deleteAfter   string
	secrets       map[string]*vaultSecret
}

// vaultSecret is a secret of version 2; one of version 1 has one version only.
type vaultSecret struct {
	custom      map[string]any
	maxVersions any
	deleteAfter string
	versions    []*secretVersion
}

type secretVersion struct {
	data      map[string]any
	created   string
	deletes   string
	destroyed bool
}

type vaultToken struct {
	policies  []string
	ttl       int64
	renewable bool
	byAppRole bool
	// blind tokens lack the default policy.
	blind bool
}

const memoryRoot = "hvs.root-of-the-memory"

var memoryVaults sync.Map

func newMemoryVault(t *testing.T) *servers.VaultServer {
	v := servers.VaultStandIn(t, memoryRoot, &memoryVault{
		mounts:   map[string]*kvMount{"secret": newMount("kv", "2"), "cubbyhole": newMount("cubbyhole", "")},
		policies: map[string]map[string][]string{},
		tokens:   map[string]*vaultToken{memoryRoot: {policies: []string{"root"}}}, roles: map[string]any{},
	})
	memoryVaults.Store(v.Address, nil)
	return v
}

// another starts a Vault of the same kind.
func another(t *testing.T, v *servers.VaultServer) *servers.VaultServer {
	if _, ok := memoryVaults.Load(v.Address); ok {
		return newMemoryVault(t)
	}
	return servers.Vault(t)
}

func newMount(kind, version string) *kvMount {
	return &kvMount{kind: kind, version: version, deleteAfter: "0s", secrets: map[string]*vaultSecret{}}
}

// call is one request.
type call struct {
	w     http.ResponseWriter
	op    string // the capability that it takes, create where that depends
	path  string
	body  map[string]any
	token *vaultToken
}

func (c call) answer(data any) { _ = json.NewEncoder(c.w).Encode(map[string]any{"data": data}) }
func (c call) nothing()        { c.w.WriteHeader(http.StatusNoContent) }

func (v *memoryVault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	c := call{w: w, path: path, op: map[string]string{"GET": "read", "PUT": "create", "POST": "create", "PATCH": "patch", "DELETE": "delete", "LIST": "list"}[r.Method]}
	if r.URL.Query().Get("list") == "true" {
		c.op = "list"
	}
	d := json.NewDecoder(r.Body)
	d.UseNumber()
	_ = d.Decode(&c.body)
	switch {
	case path == "sys/health":
		_ = json.NewEncoder(w).Encode(map[string]any{"initialized": true, "sealed": false, "version": "1.21.0", "cluster_id": fmt.Sprintf("cluster-%p", v), "enterprise": false})
		return
	case path == "auth/approle/login":
		v.logIn(c)
		return
	}
	if c.token = v.tokens[r.Header.Get("X-Vault-Token")]; c.token == nil {
		fail(w, 403, "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n")
		return
	}
	v.route(c, r.Header.Get("X-Vault-Token"))
}

func (v *memoryVault) route(c call, token string) {
	mount, below := v.mountOf(c.path)
	switch {
	case strings.HasPrefix(c.path, "sys/internal/ui/mounts/"):
		v.uiMount(c, strings.TrimPrefix(c.path, "sys/internal/ui/mounts/"))
	case strings.HasPrefix(c.path, "auth/token/") && strings.HasSuffix(c.path, "-self"):
		v.self(c)
	case c.path == "sys/capabilities-self":
		v.capabilities(c)
	case mount != "":
		v.kv(c, v.mounts[mount], below)
	case !slices.Contains(c.token.policies, "root"):
		fail(c.w, 403, "1 error occurred:\n\t* permission denied\n\n")
	default:
		v.administer(c, token)
	}
}

func (v *memoryVault) mountOf(path string) (mount, below string) {
	for name := range v.mounts {
		if rest, ok := strings.CutPrefix(path, name+"/"); ok && len(name) > len(mount) {
			mount, below = name, rest
		}
	}
	return mount, below
}

var ruleForm = regexp.MustCompile(`path "([^"]+)" *\{ *capabilities = \[([^\]]*)\]`)

func (v *memoryVault) administer(c call, _ string) {
	rest, last := strings.Split(c.path, "/"), c.path[strings.LastIndex(c.path, "/")+1:]
	text := func(name string) string { s, _ := c.body[name].(string); return s }
	switch {
	case strings.HasPrefix(c.path, "sys/mounts/") && c.op == "read":
		fail(c.w, 400, fmt.Sprintf("No secret engine mount at %s/", strings.TrimPrefix(c.path, "sys/mounts/")))
	case strings.HasPrefix(c.path, "sys/mounts/"):
		options, _ := c.body["options"].(map[string]any)
		v.mounts[strings.TrimPrefix(c.path, "sys/mounts/")] = newMount(text("type"), fmt.Sprint(options["version"]))
		c.nothing()
	case strings.HasPrefix(c.path, "sys/policies/acl/"), strings.HasPrefix(c.path, "sys/policy/"):
		rules := map[string][]string{}
		for _, m := range ruleForm.FindAllStringSubmatch(text("policy")+text("rules"), -1) {
			rules[m[1]] = strings.Fields(strings.NewReplacer(`"`, "", ",", " ").Replace(m[2]))
		}
		v.policies[last] = rules
		c.nothing()
	case c.path == "auth/token/create-orphan":
		v.create(c, &vaultToken{policies: words(c.body["policies"]), ttl: lifeOf(text("ttl"), 768*time.Hour), renewable: true})
	case c.path == "auth/token/revoke":
		delete(v.tokens, text("token"))
		c.nothing()
	case c.path == "auth/token/lookup":
		c.answer(map[string]any{"ttl": v.tokens[text("token")].ttl})
	case c.path == "sys/leases/revoke-prefix/auth/approle/login":
		maps.DeleteFunc(v.tokens, func(_ string, t *vaultToken) bool { return t.byAppRole })
		c.nothing()
	case c.path == "sys/auth":
		auths := map[string]any{}
		if v.approle {
			auths["approle/"] = map[string]any{"type": "approle"}
		}
		c.answer(auths)
	case c.path == "sys/auth/approle":
		v.approle = true
		c.nothing()
	case last == "role-id":
		c.answer(map[string]any{"role_id": "id-of-" + rest[3]})
	case last == "secret-id":
		c.answer(map[string]any{"secret_id": "secret-of-" + rest[3]})
	case strings.HasPrefix(c.path, "auth/approle/role/"):
		role, _ := v.roles[last].(map[string]any)
		role = maps.Clone(role)
		if role == nil {
			role = map[string]any{}
		}
		maps.Copy(role, c.body)
		v.roles[last] = role
		c.nothing()
	default:
		fail(c.w, 404, fmt.Sprintf("no handler for route %q. route entry not found.", c.path))
	}
}

func words(of any) (list []string) {
	switch of := of.(type) {
	case string:
		return strings.Split(of, ",")
	case []any:
		for _, one := range of {
			list = append(list, fmt.Sprint(one))
		}
	}
	return list
}

func lifeOf(text string, otherwise time.Duration) int64 {
	if d, err := time.ParseDuration(text); err == nil {
		otherwise = d
	}
	return int64(otherwise.Seconds())
}

// create answers with a new token.
func (v *memoryVault) create(c call, t *vaultToken) {
	v.made++
	name := fmt.Sprintf("hvs.made-%d", v.made)
	v.tokens[name] = t
	_ = json.NewEncoder(c.w).Encode(map[string]any{"auth": map[string]any{"client_token": name, "lease_duration": t.ttl, "renewable": t.renewable}})
}

func (v *memoryVault) logIn(c call) {
	id, _ := c.body["role_id"].(string)
	name := strings.TrimPrefix(id, "id-of-")
	role, ok := v.roles[name].(map[string]any)
	if !ok || c.body["secret_id"] != "secret-of-"+name {
		fail(c.w, 400, "invalid role or secret ID")
		return
	}
	ttl, _ := role["token_ttl"].(string)
	v.create(c, &vaultToken{
		policies: words(
			role["token_policies"],
		), ttl: lifeOf(ttl, time.Hour), renewable: role["token_type"] != "batch", byAppRole: true, blind: role["token_no_default_policy"] == true,
	})
}

// self is about the token of the request.
func (v *memoryVault) self(c call) {
	switch {
	case c.token.blind:
		fail(c.w, 403, "1 error occurred:\n\t* permission denied\n\n")
	case c.path == "auth/token/lookup-self":
		c.answer(map[string]any{"ttl": c.token.ttl, "creation_ttl": c.token.ttl, "renewable": c.token.renewable})
	case !c.token.renewable:
		fail(c.w, 400, "lease is not renewable")
	default:
		_ = json.NewEncoder(c.w).Encode(map[string]any{"auth": map[string]any{"client_token": "x", "lease_duration": c.token.ttl, "renewable": true}})
	}
}

// may are a token's capabilities at a path, by the rule that fits best.
func (v *memoryVault) may(t *vaultToken, path string) (capabilities []string) {
	if slices.Contains(t.policies, "root") {
		return []string{"root"}
	}
	best := -1
	for _, policy := range t.policies {
		for at, allowed := range v.policies[policy] {
			prefix, open := strings.CutSuffix(at, "*")
			fits := at == path || open && strings.HasPrefix(path, prefix)
			if fits && len(prefix) > best {
				best, capabilities = len(prefix), allowed
			}
		}
	}
	return capabilities
}

func (v *memoryVault) allowed(c call, path, capability string) bool {
	may := v.may(c.token, path)
	if slices.Contains(may, capability) || slices.Contains(may, "root") {
		return true
	}
	fail(c.w, 403, "1 error occurred:\n\t* permission denied\n\n")
	return false
}

func (v *memoryVault) capabilities(c call) {
	data := map[string]any{}
	for _, path := range words(c.body["paths"]) {
		data[path] = v.may(c.token, path)
	}
	if c.token.blind {
		fail(c.w, 403, "1 error occurred:\n\t* permission denied\n\n")
		return
	}
	c.answer(data)
}

func (v *memoryVault) uiMount(c call, path string) {
	mount, _ := v.mountOf(path + "/")
	seen := mount != "" && slices.Contains(c.token.policies, "root")
	for _, policy := range c.token.policies {
		for at := range v.policies[policy] {
			seen = seen || mount != "" && strings.HasPrefix(at, mount+"/")
		}
	}
	if !seen {
		fail(c.w, 403, fmt.Sprintf("preflight capability check returned 403, please ensure client's policies grant access to path %q", path+"/"))
		return
	}
	m := v.mounts[mount]
	c.answer(map[string]any{"path": mount + "/", "type": m.kind, "options": map[string]any{"version": m.version}})
}

func (v *memoryVault) kv(c call, m *kvMount, path string) {
	kind, rest, below := strings.Cut(path, "/")
	if m.version != "2" {
		v.kv1(c, m, path)
		return
	}
	secret := m.secrets[rest]
	capability := c.op
	if c.op == "create" && secret != nil {
		capability = "update"
	}
	if !v.allowed(c, c.path, capability) {
		return
	}
	switch {
	case kind == "config" && c.op == "read":
		c.answer(map[string]any{"delete_version_after": m.deleteAfter})
	case kind == "config":
		m.deleteAfter, _ = c.body["delete_version_after"].(string)
		c.nothing()
	case c.op == "list":
		list(c, m, rest)
	case !below:
		fail(c.w, 404, fmt.Sprintf("no handler for route %q", c.path))
	case kind == "data":
		v.data(c, m, rest)
	case kind == "metadata":
		metadataOf(c, m, rest)
	case kind == "destroy":
		for _, n := range words(c.body["versions"]) {
			i, _ := strconv.Atoi(n)
			secret.versions[i-1].destroyed, secret.versions[i-1].data = true, nil
		}
		c.nothing()
	}
}

func list(c call, m *kvMount, prefix string) {
	prefix = strings.TrimSuffix(prefix, "/")
	if prefix != "" {
		prefix += "/"
	}
	names := map[string]bool{}
	for path := range m.secrets {
		if rest, ok := strings.CutPrefix(path, prefix); ok {
			if name, _, deep := strings.Cut(rest, "/"); deep {
				names[name+"/"] = true
			} else {
				names[rest] = true
			}
		}
	}
	if len(names) == 0 {
		fail(c.w, 404)
		return
	}
	c.answer(map[string]any{"keys": slices.Sorted(maps.Keys(names))})
}

func (v *memoryVault) kv1(c call, m *kvMount, path string) {
	secret := m.secrets[path]
	capability := c.op
	if c.op == "create" && secret != nil {
		capability = "update"
	}
	switch {
	case !v.allowed(c, c.path, capability):
	case c.op == "list":
		list(c, m, path)
	case c.op == "create":
		m.secrets[path] = &vaultSecret{versions: []*secretVersion{{data: c.body}}}
		c.nothing()
	case c.op == "delete":
		delete(m.secrets, path)
		c.nothing()
	case secret == nil:
		fail(c.w, 404)
	default:
		c.answer(secret.versions[0].data)
	}
}

func (s *secretVersion) meta(number int, custom map[string]any) map[string]any {
	return map[string]any{"version": number, "created_time": s.created, "deletion_time": s.deletes, "destroyed": s.destroyed, "custom_metadata": custom}
}

func (s *secretVersion) gone() bool {
	at, err := time.Parse(time.RFC3339Nano, s.deletes)
	return s.destroyed || err == nil && !at.After(time.Now())
}

func (v *memoryVault) data(c call, m *kvMount, path string) {
	secret := m.secrets[path]
	var latest *secretVersion
	if secret != nil && len(secret.versions) > 0 {
		latest = secret.versions[len(secret.versions)-1]
	}
	switch c.op {
	case "read":
		switch {
		case latest == nil:
			fail(c.w, 404)
			return
		case latest.gone():
			c.w.WriteHeader(404)
		}
		c.answer(map[string]any{"data": latest.data, "metadata": latest.meta(len(secret.versions), secret.custom)})
		return
	case "delete":
		if latest != nil {
			latest.deletes, latest.data = time.Now().UTC().Format(time.RFC3339Nano), nil
		}
		c.nothing()
		return
	}
	data, _ := c.body["data"].(map[string]any)
	if c.op == "patch" {
		if latest == nil || latest.gone() {
			fail(c.w, 404)
			return
		}
		merged := maps.Clone(latest.data)
		for key, value := range data {
			if merged[key] = value; value == nil {
				delete(merged, key)
			}
		}
		data = merged
	}
	if secret == nil {
		secret = &vaultSecret{}
	}
	options, _ := c.body["options"].(map[string]any)
	if cas, given := options["cas"]; given && fmt.Sprint(cas) != strconv.Itoa(len(secret.versions)) {
		fail(c.w, 400, "check-and-set parameter did not match the current version")
		return
	}
	m.secrets[path] = secret
	next := &secretVersion{data: data, created: time.Now().UTC().Format(time.RFC3339Nano)}
	for _, after := range []string{secret.deleteAfter, m.deleteAfter} {
		if d, err := time.ParseDuration(after); err == nil && d > 0 {
			next.deletes = time.Now().Add(d).UTC().Format(time.RFC3339Nano)
		}
	}
	secret.versions = append(secret.versions, next)
	c.answer(next.meta(len(secret.versions), secret.custom))
}

func metadataOf(c call, m *kvMount, path string) {
	secret := m.secrets[path]
	switch {
	case c.op == "delete":
		delete(m.secrets, path)
		c.nothing()
	case c.op == "create":
		if secret == nil {
			secret = &vaultSecret{}
			m.secrets[path] = secret
		}
		if custom, given := c.body["custom_metadata"].(map[string]any); given {
			secret.custom = custom
		}
		if n, given := c.body["max_versions"]; given {
			secret.maxVersions = n
		}
		secret.deleteAfter, _ = c.body["delete_version_after"].(string)
		c.nothing()
	case secret == nil:
		fail(c.w, 404)
	case c.op == "patch":
		secret.custom = maps.Clone(secret.custom)
		if secret.custom == nil {
			secret.custom = map[string]any{}
		}
		patch, _ := c.body["custom_metadata"].(map[string]any)
		for key, value := range patch {
			if secret.custom[key] = value; value == nil {
				delete(secret.custom, key)
			}
		}
		c.nothing()
	default:
		versions := map[string]any{}
		for i, one := range secret.versions {
			versions[strconv.Itoa(i+1)] = one.meta(i+1, nil)
		}
		c.answer(map[string]any{
			"current_version": len(secret.versions), "custom_metadata": secret.custom, "max_versions": secret.maxVersions,
			"delete_version_after": secret.deleteAfter, "versions": versions,
		})
	}
}

// What the acceptance tests ask of a real Vault and no other program has a part in.
func TestWithAVaultInMemory(t *testing.T) {
	v := newMemoryVault(t)
	for name, test := range map[string]func(*testing.T, *servers.VaultServer){
		"ConformanceKV2":            testConformanceKV2,
		"ConformanceKV2State":       testConformanceState,
		"ConformanceKV1":            testConformanceKV1,
		"ConformanceLeastPrivilege": testConformanceLeastPrivilege,
		"RotationIsOneWrite":        testRotationIsOneWrite,
		"SoftDeleted":               testSoftDeleted,
		"DestroyedIsDeletedWhole":   testDestroyed,
		"VersionIsTheSameToAll":     testVersions,
		"OneClusterIsOnePlace":      testPlaces,
		"ClaimKeepsOtherMetadata":   testClaimKeepsOtherMetadata,
		"ClaimIsTakenBack":          testClaimIsTakenBack,
		"WriterKeepsTheMark":        testWriterKeepsTheMark,
		"OddPaths":                  testOddPaths,
		"MissingMount":              testMissingMount,
		"WrongKindOfMount":          testWrongKindOfMount,
		"KV1CannotKeepTheState":     testKV1State,
		"KV1Unreadable":             testKV1Unreadable,
		"Preflight":                 testPreflight,
		"MountIsAPathInsideOne":     testPathInsideMount,
		"StateThatDoesNotLast":      testStateLasts,
		"DeniedNamesThePolicy":      testDenied,
		"ReadsOtherTypes":           testReadsOtherTypes,
		"AppRole":                   testAppRole,
		"WrongRole":                 testWrongRole,
		"RevokedToken":              testRevokedToken,
		"RevokedGivenToken":         testRevokedGivenToken,
		"Renewal":                   testRenewal,
		"RenewalOfAGivenToken":      testRenewalOfAGivenToken,
		"DenialIsNotALogin":         testDenialIsNotALogin,
	} {
		t.Run(name, func(t *testing.T) { test(t, v) })
	}
}
