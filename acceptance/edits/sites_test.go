//go:build acceptance

package edits

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/servers"
)

// serverNames are what sink blocks lead to; stateServers are those that may have the
// state.
var (
	serverNames  = []string{"vault", "kube", "files", "vault2", "kube2", "files2"}
	stateServers = []string{"vault", "kube", "files"}
	otherServer  = map[string]string{"vault": "vault2", "vault2": "vault", "kube": "kube2", "kube2": "kube", "files": "files2", "files2": "files"}
)

// kindOf is the type of the sink blocks that lead to a server.
func kindOf(server string) string {
	return map[string]string{"vault": "vault", "kube": "k8ssecret", "files": "file"}[strings.TrimSuffix(server, "2")]
}

// pathAt is how a deliver block names one of the paths at a server. A path of a file says
// what it holds.
func pathAt(server, path string) string {
	switch {
	case kindOf(server) != "file":
		return path
	case path >= "p3":
		return path + ".env"
	}
	return path + ".json"
}

// contents is what is at a place, by key.
type contents map[string]string

// site is what has the places of one server, as somebody with all rights sees it.
type site interface {
	// sink are the attributes of a sink block that leads here.
	sink() string
	// read is nil where there is nothing; owner is "" where there is no mark.
	read(path string) contents
	owner(path string) string
	// place is what the place is called in records.
	place(path string) sinks.Place
	// put replaces what is there, without a mark; change leaves the mark.
	put(path string, data contents)
	change(path string, data contents)
	remove(path string)
	// look is what a deliver block of such a look asks for.
	look(path string) string
	// removals are the crash points at which a place is removed.
	removals(path string) []string
}

// stateSite is where a state may be.
type stateSite interface {
	sink() string
	records() []string
}

func (w *world) sinkBlock(label, server string) string {
	return fmt.Sprintf("sink %q %q {\n%s}\n", kindOf(server), label, w.sites[server].sink())
}

func (w *world) stateBlocks(server string) string {
	kind := kindOf(server)
	path := map[string]string{"vault": "path = \"state\"", "file": "path = \"records\""}[kind]
	return fmt.Sprintf("sink %q \"state\" {\n%s}\nstate %q \"state\" {\n  %s\n}\n", kind, w.states[server].sink(), kind, path)
}

// vaultSite is a mount of its own.
type vaultSite struct {
	server *servers.VaultServer
	mount  string
	// cluster is the id of the server.
	cluster string
}

// mounts counts those of both servers: crash points name a mount, but no server.
var mounts atomic.Int64

func newVaultSite(t testing.TB, v *servers.VaultServer) vaultSite {
	health, err := v.Client().Sys().Health()
	if err != nil {
		t.Fatal(err)
	}
	mount := fmt.Sprintf("mount-%d", mounts.Add(1))
	v.MustWrite("sys/mounts/"+mount, map[string]any{"type": "kv", "options": map[string]any{"version": "2"}})
	return vaultSite{v, mount, health.ClusterID}
}

func (s vaultSite) sink() string {
	return fmt.Sprintf("  address = %q\n  mount = %q\n", s.server.Address, s.mount)
}

func (s vaultSite) read(path string) contents {
	data := s.server.ReadKV2(s.mount, path)
	if data == nil {
		return nil
	}
	c := contents{}
	for key, v := range data {
		c[key] = fmt.Sprint(v)
	}
	return c
}

func (s vaultSite) owner(path string) string {
	secret, err := s.server.Client().Logical().Read(s.mount + "/metadata/" + path)
	if err != nil || secret == nil {
		return ""
	}
	custom, _ := secret.Data["custom_metadata"].(map[string]any)
	owner, _ := custom["credsync-owner"].(string)
	return owner
}

func (s vaultSite) place(path string) sinks.Place {
	return sinks.Place("vault " + s.cluster + " " + s.mount + "/" + path)
}

func (s vaultSite) put(path string, data contents) {
	s.remove(path)
	s.change(path, data)
}

func (s vaultSite) change(path string, data contents) {
	s.server.MustWrite(s.mount+"/data/"+path, map[string]any{"data": data})
}

func (s vaultSite) remove(path string) { s.server.MustDelete(s.mount + "/metadata/" + path) }
func (vaultSite) look(string) string   { return "" }

func (s vaultSite) removals(path string) []string {
	return []string{"send DELETE /v1/" + s.mount + "/metadata/" + path, "send DELETE /v1/" + s.mount + "/data/" + path}
}

func (s vaultSite) records() (all []string) {
	for _, name := range s.server.List(s.mount + "/metadata/state") {
		if data := s.read("state/" + name); data != nil {
			all = append(all, data["record"])
		}
	}
	return all
}

// kubernetesSite is a namespace of its own.
type kubernetesSite struct {
	t         testing.TB
	server    *servers.KubernetesServer
	namespace string
}

func (s kubernetesSite) sink() string { return fmt.Sprintf("  namespace = %q\n", s.namespace) }

func (s kubernetesSite) read(path string) contents {
	return s.dataOf(s.server.Secret(s.namespace, path))
}

func (s kubernetesSite) dataOf(secret servers.Object) contents {
	if secret == nil {
		return nil
	}
	c := contents{}
	data, _ := secret["data"].(map[string]any)
	for key, v := range data {
		text, err := base64.StdEncoding.DecodeString(fmt.Sprint(v))
		if err != nil {
			s.t.Fatal(err)
		}
		c[key] = string(text)
	}
	return c
}

func (s kubernetesSite) metadata(path, part, key string) string {
	metadata, _ := s.server.Secret(s.namespace, path)["metadata"].(servers.Object)
	values, _ := metadata[part].(servers.Object)
	text, _ := values[key].(string)
	return text
}

func (s kubernetesSite) owner(path string) string {
	return s.metadata(path, "annotations", "credsync.dev/owner")
}

func (s kubernetesSite) place(path string) sinks.Place {
	system := s.server.Must(http.MethodGet, "/api/v1/namespaces/kube-system", "", nil)["metadata"].(servers.Object)["uid"]
	return sinks.Place(fmt.Sprintf("k8ssecret %s %s/%s", system, s.namespace, path))
}

func (s kubernetesSite) put(path string, data contents) {
	s.remove(path)
	s.server.CreateSecret(s.namespace, path, data, nil)
}

// change has a stranger write his fields; what is not in the data goes.
func (s kubernetesSite) change(path string, data contents) {
	patch := servers.Object{}
	for key := range s.read(path) {
		patch[key] = nil
	}
	for key, v := range data {
		patch[key] = []byte(v)
	}
	s.server.Patch(servers.SecretPath(s.namespace, path), servers.Object{"data": patch})
}

func (s kubernetesSite) remove(path string) {
	if s.server.Secret(s.namespace, path) != nil {
		s.server.Must(http.MethodDelete, servers.SecretPath(s.namespace, path), "", nil)
	}
}

func (s kubernetesSite) look(path string) string { return s.metadata(path, "labels", "look") }

func (s kubernetesSite) removals(path string) []string {
	return []string{"send DELETE " + servers.SecretPath(s.namespace, path)}
}

func (s kubernetesSite) records() (all []string) {
	selector := url.QueryEscape("type=credsync.dev/state")
	list := s.server.Must(http.MethodGet, "/api/v1/namespaces/"+s.namespace+"/secrets?fieldSelector="+selector, "", nil)
	items, _ := list["items"].([]any)
	for _, item := range items {
		all = append(all, s.dataOf(item.(servers.Object))["record"])
	}
	return all
}

// fileSite is a directory. Files bear no marks.
type fileSite struct {
	t   testing.TB
	dir string
}

func (s fileSite) file(path string) string { return filepath.Join(s.dir, pathAt("files", path)) }
func (s fileSite) sink() string            { return fmt.Sprintf("  dir = %q\n", s.dir) }

func (s fileSite) read(path string) contents {
	b, err := os.ReadFile(s.file(path))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	c := contents{}
	if err == nil && strings.HasSuffix(s.file(path), ".json") {
		err = json.Unmarshal(b, &c)
	} else {
		for line := range strings.Lines(string(b)) {
			if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
				c[key] = strings.Trim(value, `"'`)
			}
		}
	}
	if err != nil {
		s.t.Fatalf("%s: %v", path, err)
	}
	return c
}

func (fileSite) owner(string) string { return "" }

func (s fileSite) place(path string) sinks.Place { return sinks.Place("file " + s.file(path)) }

func (s fileSite) put(path string, data contents) { s.change(path, data) }

func (s fileSite) change(path string, data contents) {
	text, err := json.Marshal(data)
	if !strings.HasSuffix(s.file(path), ".json") {
		text = nil
		for key, v := range data {
			text = fmt.Appendf(text, "%s=%s\n", key, v)
		}
	}
	if err := errors.Join(err, os.WriteFile(s.file(path), text, 0o600)); err != nil {
		s.t.Fatal(err)
	}
}

func (s fileSite) remove(path string) {
	if err := os.Remove(s.file(path)); err != nil && !errors.Is(err, os.ErrNotExist) {
		s.t.Fatal(err)
	}
}

func (s fileSite) look(path string) string {
	info, err := os.Stat(s.file(path))
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%04o", info.Mode().Perm())
}

// removals: a crash point names a file without its directory, and both have files of
// these names, so there are none that could be told apart.
func (fileSite) removals(string) []string { return nil }

func (s fileSite) records() (all []string) {
	found, err := filepath.Glob(filepath.Join(s.dir, "records", "*.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, name := range found {
		b, err := os.ReadFile(name)
		data := contents{}
		if err := errors.Join(err, json.Unmarshal(b, &data)); err != nil {
			s.t.Fatal(err)
		}
		all = append(all, data["record"])
	}
	return all
}
