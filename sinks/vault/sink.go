package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/hashicorp/vault/api"
)

// Sink is a connection to one KV mount.
type Sink struct {
	client   *api.Client
	sessions *sharedSession
	env      sinks.Env
	mount    string
	cluster  *sinks.Cluster
	// turn guards engine while it is found out.
	turn   chan struct{}
	engine kvEngine
}

// kvEngine is one version of the KV secrets engine.
type kvEngine interface {
	stat(ctx context.Context, t sinks.Target) (sinks.Info, error)
	read(ctx context.Context, t sinks.Target) (sinks.Object, error)
	write(ctx context.Context, t sinks.Target, w sinks.Write) (string, error)
	remove(ctx context.Context, t sinks.Target, r sinks.Removal) error
	claim(ctx context.Context, t sinks.Target, w sinks.Write, seen sinks.Info) (string, error)
	// listPath is where the names below a prefix are listed.
	listPath(prefix string) string
	// needsToDeliver are the capabilities that delivering to a target takes: by path.
	needsToDeliver(t sinks.Target) []capabilityNeed
	// The others are what else a policy allows: to see what others did to a
	// target, to remove it, to read the source of a data block and to keep a
	// record of the state.
	needsToCompare(t sinks.Target) []capabilityNeed
	needsToDelete(t sinks.Target) []capabilityNeed
	needsToRead(t sinks.Target) []capabilityNeed
	needsToKeepState(all, record sinks.Target) []capabilityNeed
}

var (
	_ sinks.Sink        = (*Sink)(nil)
	_ sinks.Claimer     = (*Sink)(nil)
	_ sinks.Preflighter = (*Sink)(nil)
	_ sinks.Pinger      = (*Sink)(nil)
	_ sinks.Durable     = (*Sink)(nil)
)

func open(conn schema.Values, env sinks.Env) (sinks.Sink, error) {
	c := connection{conn: conn, env: env}
	client, err := c.client()
	if err != nil {
		return nil, err
	}
	m, err := c.method()
	if err != nil {
		return nil, err
	}
	s := &Sink{
		client: client, sessions: newSharedSession(client, m, env), env: env,
		mount: mountOf(conn), turn: make(chan struct{}, 1),
	}
	s.cluster = sinks.NewCluster(conn.String("cluster"), env.Now, s.askCluster)
	return s, nil
}

// kvEngine returns the mount's engine. It is asked for once; a failure is not
// remembered.
func (s *Sink) kvEngine(ctx context.Context, op string, t sinks.Target) (kvEngine, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%s %s: %w", op, t.Location, ctx.Err())
	}
	if s.engine == nil {
		e, err := s.detectKVEngine(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", op, t.Location, err)
		}
		s.engine = e
	}
	if _, old := s.engine.(kv1); old && isState(t) {
		return nil, fmt.Errorf("%s %s: %w: KV version 1 cannot keep the state, because it has no compare-and-set: use a mount of version 2 (\"vault kv enable-versioning %s\"), or another state block",
			op, t.Location, sinks.ErrUnsupported, s.mount)
	}
	return s.engine, nil
}

// detectKVEngine asks for the mount's type and version. Vault answers to every token
// that may do anything at all in the mount, and 403 to all others, whether or
// not there is such a mount.
func (s *Sink) detectKVEngine(ctx context.Context) (kvEngine, error) {
	var answer struct {
		Data struct {
			Type    string            `json:"type"`
			Path    string            `json:"path"`
			Options map[string]string `json:"options"`
		} `json:"data"`
	}
	r := request{op: "check mount " + s.mount, path: "sys/internal/ui/mounts/" + s.mount, client: s.client, mount: s.mount}
	found, err := s.get(ctx, r, &answer)
	switch {
	case isForbidden(err):
		return nil, s.explainMissingMount(ctx, r)
	case err != nil:
		return nil, err
	case !found:
		return nil, missingMount(r)
	case strings.HasPrefix(s.mount, strings.Trim(answer.Data.Path, "/")+"/"):
		return nil, fmt.Errorf("%s: %s", r, insideMount(s.mount, strings.Trim(answer.Data.Path, "/"), answer.Data.Options["version"]))
	case answer.Data.Type != "kv" && answer.Data.Type != "generic":
		return nil, fmt.Errorf("%s: it is of type %q, not a KV secrets engine: correct mount in the sink block", r, answer.Data.Type)
	case answer.Data.Options["version"] == "2":
		return kv2{s}, nil
	}
	return kv1{s}, nil
}

// insideMount says what to write in place of a mount that is a path inside one.
func insideMount(mount, real, version string) string {
	rest := strings.Trim(strings.TrimPrefix(mount, real), "/")
	if version == "2" && (rest == "data" || rest == "metadata" || strings.HasPrefix(rest, "data/") || strings.HasPrefix(rest, "metadata/")) {
		// Where the API has it; credsync, as the vault command, adds it itself.
		_, rest, _ = strings.Cut(rest, "/")
	}
	message := fmt.Sprintf("it is a path inside the mount %q: set mount = %q in the sink block", real, real)
	if rest != "" {
		message += fmt.Sprintf(", and start each path with %q", rest+"/")
	}
	return message
}

// explainMissingMount tells a mount that is not there from one that the token may not use,
// which only a token that may list mounts can.
func (s *Sink) explainMissingMount(ctx context.Context, r request) error {
	err := s.do(ctx, request{op: r.op, path: "sys/mounts/" + s.mount}, func(ctx context.Context, l *api.Logical) error {
		_, err := l.ReadWithContext(ctx, "sys/mounts/"+s.mount)
		if status(err) == 400 && vaultSays(err, "No secret engine mount") {
			return describedError{missingMount(r)}
		}
		return err
	})
	if err != nil && !isForbidden(err) {
		return err
	}
	return fmt.Errorf("%s: %w: the mount does not exist (correct mount in the sink block, or run \"vault secrets enable -path=%s -version=2 kv\"), or the token's policies allow nothing in it",
		r, sinks.ErrDenied, s.mount)
}

// Stat implements sinks.Sink.
func (s *Sink) Stat(ctx context.Context, t sinks.Target) (sinks.Info, error) {
	e, err := s.kvEngine(ctx, "check", t)
	if err != nil {
		return sinks.Info{}, err
	}
	return e.stat(ctx, t)
}

// Read implements sinks.Sink. Values that are not strings are read as JSON
// text; nulls are left out.
func (s *Sink) Read(ctx context.Context, t sinks.Target) (sinks.Object, error) {
	e, err := s.kvEngine(ctx, "read", t)
	if err != nil {
		return sinks.Object{}, err
	}
	return e.read(ctx, t)
}

// Write implements sinks.Sink. The owner is marked by Claim, so that a write is
// one request.
func (s *Sink) Write(ctx context.Context, t sinks.Target, w sinks.Write) (string, error) {
	if err := checkData(t, w); err != nil {
		return "", err
	}
	e, err := s.kvEngine(ctx, "write", t)
	if err != nil {
		return "", err
	}
	ctx, retried := watchRetries(ctx)
	version, err := e.write(ctx, t, w)
	if errors.Is(err, sinks.ErrConflict) && retried.Load() {
		return s.writtenBefore(ctx, t, w, err)
	}
	return version, err
}

// checkData refuses what Vault cannot hold.
func checkData(t sinks.Target, w sinks.Write) error {
	for _, key := range slices.Sorted(maps.Keys(w.Data)) {
		if !utf8.ValidString(key) || !utf8.ValidString(w.Data[key].Reveal()) {
			return fmt.Errorf("write %s: %w: key %q or its value is not UTF-8, so Vault cannot store it; use base64encode()", t.Location, sinks.ErrUnsupported, key)
		}
	}
	return nil
}

// writtenBefore looks whether a conflict is with ourselves: the answer to the
// first attempt was lost, and the second found the version taken. Where the
// data may not be read the conflict stands; where Vault does not answer, what
// became of the write is unknown.
func (s *Sink) writtenBefore(ctx context.Context, t sinks.Target, w sinks.Write, conflict error) (string, error) {
	obj, err := s.Read(ctx, t)
	if errors.Is(err, sinks.ErrUnavailable) {
		return "", err
	}
	if err != nil || !follows(obj.Version, w.If) {
		return "", conflict
	}
	for _, key := range slices.Sorted(maps.Keys(w.Data)) {
		if got, ok := obj.Data[key]; !ok || !got.Equal(w.Data[key]) {
			return "", conflict
		}
	}
	if !t.Merge && len(obj.Data) != len(w.Data) {
		return "", conflict
	}
	for _, key := range w.Drop {
		if _, ok := obj.Data[key]; ok {
			return "", conflict
		}
	}
	return obj.Version, nil
}

// Delete implements sinks.Sink. Vault compares no version when it deletes, so
// it is compared just before.
func (s *Sink) Delete(ctx context.Context, t sinks.Target, r sinks.Removal) error {
	e, err := s.kvEngine(ctx, "delete", t)
	if err != nil {
		return err
	}
	return e.remove(ctx, t, r)
}

// Claim implements sinks.Claimer. A target that is merged into belongs to
// nobody, so it is not marked.
func (s *Sink) Claim(ctx context.Context, t sinks.Target, w sinks.Write, seen sinks.Info) (string, error) {
	if err := checkData(t, w); err != nil {
		return "", err
	}
	e, err := s.kvEngine(ctx, "claim", t)
	if err != nil {
		return "", err
	}
	return e.claim(ctx, t, w, seen)
}

// List implements sinks.Sink.
func (s *Sink) List(ctx context.Context, prefix sinks.Target) ([]sinks.Target, error) {
	e, err := s.kvEngine(ctx, "list", prefix)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data struct {
			Keys []string `json:"keys"`
		} `json:"data"`
	}
	r := request{op: "list " + prefix.Location, path: e.listPath(prefix.Path), capabilities: []string{"list"}}
	decode := func(body []byte) error { return json.Unmarshal(body, &answer) }
	if _, err := s.getWith(ctx, r, url.Values{"list": {"true"}}, decode); err != nil {
		return nil, err
	}
	var list []sinks.Target
	for _, key := range answer.Data.Keys {
		if strings.HasSuffix(key, "/") {
			continue
		}
		t := prefix
		t.Path, t.Location = prefix.Path+"/"+key, prefix.Location+"/"+key
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b sinks.Target) int { return strings.Compare(a.Path, b.Path) })
	return list, nil
}

// Lasts implements sinks.Durable.
func (s *Sink) Lasts(ctx context.Context, record sinks.Target) (string, error) {
	e, err := s.kvEngine(ctx, "keep the state in", record)
	if err != nil {
		return "", err
	}
	if k, ok := e.(kv2); ok {
		err = k.lasts(ctx, record)
	}
	return "", err
}

// reveal is the data as it is sent: this is where it leaves the program.
func reveal(data map[string]credential.Secret) map[string]any {
	out := make(map[string]any, len(data))
	for key, s := range data {
		out[key] = s.Reveal()
	}
	return out
}
