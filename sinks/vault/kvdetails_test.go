package vault_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/sinks/vault"
)

// The policy that a denial suggests is that of what was asked for: reading an input takes
// no right to write it.
func TestADenialSuggestsWhatItsUseNeeds(t *testing.T) {
	v := newMemoryVault(t)
	for version, data := range map[int]string{1: "", 2: "/data"} {
		mount := v.KV(version)
		v.Policy("little-"+mount, fmt.Sprintf(`path "%s/other" { capabilities = ["read"] }`, mount))
		c := root(v, mount)
		c.env["VAULT_TOKEN"] = v.Token(map[string]any{"policies": []string{"little-" + mount}})
		spec := vault.Spec()
		source, err := spec.Source(c.values(spec), values(&spec.Data, "", attrs{"path": "inputs"}, nil))
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.open(t).Read(t.Context(), source)
		want := fmt.Sprintf(`path "%s%s/inputs" { capabilities = ["read"] }`, mount, data)
		if !errors.Is(err, sinks.ErrDenied) || !strings.Contains(err.Error(), want) ||
			strings.Contains(err.Error(), "create") ||
			strings.Contains(err.Error(), "update") {
			t.Errorf("version %d: %v, want %s alone", version, err, want)
		}
	}
}

// A number that Vault has rounded is refused as an input; beside what credsync wrote
// itself, it is somebody's.
func TestRoundedNumbersMatterToInputsOnly(t *testing.T) {
	v := newMemoryVault(t)
	c := root(v, v.KV(2))
	v.MustWrite(c.attrs["mount"]+"/data/in", map[string]any{"data": map[string]any{"n": json.Number("9007199254740993")}})
	spec := vault.Spec()
	source, err := spec.Source(c.values(spec), values(&spec.Data, "", attrs{"path": "in"}, nil))
	if err != nil {
		t.Fatal(err)
	}
	s := c.open(t)
	if _, err := s.Read(t.Context(), source); !errors.Is(err, sinks.ErrMalformed) {
		t.Errorf("as an input: %v", err)
	}
	if _, err := s.Read(t.Context(), c.target(t, "in", false)); err != nil {
		t.Errorf("as a target: %v", err)
	}
}

// What is marked already is not marked again.
func TestAClaimOfOnesOwnIsOneWrite(t *testing.T) {
	v := newMemoryVault(t)
	mount := v.KV(2)
	p := newProxy(t, v)
	c := root(v, mount)
	c.attrs["address"] = p.URL
	s, target := c.open(t), c.target(t, "a", false)
	w := sinks.Write{Data: secrets("k", "1"), Owner: "p/x"}
	version, err := s.(sinks.Claimer).Claim(t.Context(), target, w, sinks.Info{Marks: true})
	if err != nil {
		t.Fatal(err)
	}
	seen, err := s.Stat(t.Context(), target)
	if err != nil || seen.Version != version || seen.Owner != "p/x" {
		t.Fatalf("%+v, %v", seen, err)
	}
	p.seen()
	w.If = version
	if _, err := s.(sinks.Claimer).Claim(t.Context(), target, w, seen); err != nil {
		t.Fatal(err)
	}
	want := "GET /v1/" + mount + "/metadata/a,PUT /v1/" + mount + "/data/a"
	if got := strings.Join(p.seen(), ","); got != want {
		t.Errorf("requests %s, want %s", got, want)
	}
}

// A Vault before 1.9 does not say which mark it found when the data was written.
func TestTheWriterKeepsTheMarkWithAnOldVault(t *testing.T) {
	marks := map[string]any{}
	var sets int
	f := newFake(t, nil)
	f.handle = func(w http.ResponseWriter, r *http.Request) {
		var body map[string]any
		_ = json.NewDecoder(r.Body).Decode(&body)
		switch {
		case strings.Contains(r.URL.Path, "/data/"):
			// Another has set its mark just before.
			marks = map[string]any{"managed-by": "credsync", "credsync-owner": "p/y"}
			_, _ = io.WriteString(w, `{"data":{"version":1,"created_time":"2026-01-01T00:00:00Z"}}`)
		case r.Method == http.MethodGet && len(marks) == 0:
			fail(w, 404)
		case r.Method == http.MethodGet:
			_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"custom_metadata": marks, "current_version": 1}})
		default:
			marks, _ = body["custom_metadata"].(map[string]any)
			sets++
		}
	}
	c := f.conn(nil)
	version, err := c.open(t).(sinks.Claimer).Claim(
		t.Context(),
		c.target(t, "a", false),
		sinks.Write{Data: secrets("k", "v"), Owner: "p/x"},
		sinks.Info{Marks: true},
	)
	if err != nil || version != "1@2026-01-01T00:00:00Z" || marks["credsync-owner"] != "p/x" || sets != 2 {
		t.Errorf("Claim = %q, %v; the mark is %v, set %d times", version, err, marks, sets)
	}
}

// Versions that are not Vault's are conflicts, whatever is there.
func TestAVersionOfAnotherSinkIsAConflict(t *testing.T) {
	v := newMemoryVault(t)
	c := root(v, v.KV(2))
	s := c.open(t)
	for _, merge := range []bool{false, true} {
		target := c.target(t, fmt.Sprint("merge-", merge), merge)
		written, err := s.Write(t.Context(), target, sinks.Write{Data: secrets("k", "v")})
		if err != nil {
			t.Fatal(err)
		}
		for _, version := range []string{"0", "0@x", "-1", "x", "1x", "@", "2"} {
			if _, err := s.Write(t.Context(), target, sinks.Write{Data: secrets("k", "w"), If: version}); !errors.Is(
				err,
				sinks.ErrConflict,
			) {
				t.Errorf("write at %q: %v", version, err)
			}
			if err := s.Delete(t.Context(), target, sinks.Removal{Keys: []string{"k"}, If: version}); !errors.Is(
				err,
				sinks.ErrConflict,
			) {
				t.Errorf("removal of keys at %q: %v", version, err)
			}
			if err := s.Delete(t.Context(), target, sinks.Removal{If: version}); !errors.Is(err, sinks.ErrConflict) {
				t.Errorf("removal at %q: %v", version, err)
			}
		}
		if info, err := s.Stat(t.Context(), target); err != nil || info.Version != written {
			t.Errorf("it is at %q, %v; want %q", info.Version, err, written)
		}
	}
}

// A path of the state that Vault cannot have has no records either.
func TestARecordBelowABadPathIsAnError(t *testing.T) {
	spec := vault.Spec()
	c := &conn{}
	for path, ok := range map[string]bool{"state": true, "/state": false, "a//b": false, "a/../b": false} {
		for _, name := range []string{"", "a"} {
			target, err := spec.Record(c.values(spec), values(&spec.State, "", attrs{"path": path}, nil), name)
			if (err == nil) != ok || !ok && target.Path != "" && name != "" {
				t.Errorf("%q, %q: %+v, %v", path, name, target, err)
			}
		}
	}
	for name, want := range map[string]string{"a/b": "a%2Fb", "a b": "a%20b", "%": "%25", ".a": "%2Ea", "a..b": "a.%2Eb", "a.b": "a.b", "ж\n": "ж%0A"} {
		target, err := spec.Record(c.values(spec), values(&spec.State, "", attrs{"path": "state"}, nil), name)
		if err != nil || target.Path != "state/"+want || target.Location != "secret/state/"+want {
			t.Errorf("%q: %+v, %v", name, target, err)
		}
	}
}

// A redirect to another node during an election is met by asking again, and one to
// somewhere else is not.
func TestRedirectsDuringAnElection(t *testing.T) {
	for name, c := range map[string]struct {
		leaders []string // "" for the right one
		ok      bool
		tries   int32
	}{
		"at once":         {[]string{""}, true, 1},
		"in an election":  {[]string{`{"ha_enabled":true,"leader_address":""}`, ""}, true, 2},
		"it never ends":   {[]string{`{"ha_enabled":true,"leader_address":""}`, `{"ha_enabled":true,"leader_address":""}`}, false, 2},
		"not by a Vault":  {[]string{"<html>", "<html>"}, false, 1},
		"by a broken one": {[]string{`{"ha_enabled":true,"leader_address":"http://[::1"}`, ""}, true, 2},
		"by an odd Vault": {[]string{`{"ha_enabled":true,"leader_address":"vault"}`, ""}, true, 2},
	} {
		t.Run(name, func(t *testing.T) {
			active := newFake(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"data":{"version":1}}`) })
			var tries, asked atomic.Int32
			standby := newFake(t, nil)
			standby.handle = func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/v1/sys/leader" {
					answer := c.leaders[min(int(asked.Add(1)), len(c.leaders))-1]
					if answer == "" {
						answer = fmt.Sprintf(`{"ha_enabled":true,"leader_address":%q}`, active.URL)
					}
					_, _ = io.WriteString(w, answer)
					return
				}
				tries.Add(1)
				w.Header().Set("Location", active.URL+r.URL.Path)
				w.WriteHeader(http.StatusTemporaryRedirect)
			}
			conn := standby.conn(attrs{"VAULT_MAX_RETRIES": "1"})
			_, err := conn.open(t).Write(t.Context(), conn.target(t, "a", false), sinks.Write{Data: secrets("k", "canary")})
			if (err == nil) != c.ok || err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("Write = %v", err)
			}
			if n := tries.Load(); n != c.tries {
				t.Errorf("sent %d times, want %d", n, c.tries)
			}
		})
	}
}

// Between nodes that speak TLS a redirect is followed.
func TestARedirectThatKeepsTLSIsFollowed(t *testing.T) {
	active := newTLSFake(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"data":{"version":1}}`) })
	standby := newTLSFake(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", active.URL+r.URL.Path)
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	c := standby.conn(attrs{"VAULT_CACERT_BYTES": pemOf(standby.Certificate())})
	if _, err := c.open(t).Write(t.Context(), c.target(t, "a", false), sinks.Write{Data: secrets("k", "v")}); err != nil ||
		active.count("/v1/secret/data/a") != 1 {
		t.Errorf("Write = %v", err)
	}
}

// Version 1 has no place for a mark, so a claim compares what it saw.
func TestAClaimInVersion1(t *testing.T) {
	v := newMemoryVault(t)
	c := root(v, v.KV(1))
	s, target := c.open(t), c.target(t, "a", false)
	claim := func(seen sinks.Info, value string) (string, error) {
		return s.(sinks.Claimer).Claim(
			t.Context(),
			target,
			sinks.Write{Data: secrets("k", value), If: seen.Version, Owner: "p/x"},
			seen,
		)
	}
	nothing, err := s.Stat(t.Context(), target)
	if err != nil || nothing.Exists {
		t.Fatalf("%+v, %v", nothing, err)
	}
	version, err := claim(nothing, "1")
	if err != nil {
		t.Fatal(err)
	}
	there, err := s.Stat(t.Context(), target)
	if err != nil || there.Version != version || !there.Exists || !there.Unguarded || there.Marks || there.Owner != "" {
		t.Errorf("%+v, %v", there, err)
	}
	if _, err := claim(nothing, "2"); !errors.Is(err, sinks.ErrConflict) {
		t.Errorf("a claim on what has come into being: %v", err)
	}
	if _, err := claim(there, "3"); err != nil {
		t.Errorf("a claim on what was seen: %v", err)
	}
	if _, err := s.(sinks.Claimer).Claim(t.Context(), target, sinks.Write{Data: secrets("k", "\xff")}, there); !errors.Is(
		err,
		sinks.ErrUnsupported,
	) {
		t.Errorf("a claim with what is not UTF-8: %v", err)
	}
}

// In version 1 keys are dropped and removed beside those of others.
func TestKeysOfVersion1(t *testing.T) {
	v := newMemoryVault(t)
	c := root(v, v.KV(1))
	s, target := c.open(t), c.target(t, "a", true)
	version, err := s.Write(t.Context(), target, sinks.Write{Data: secrets("a", "1", "b", "2", "c", "3")})
	if err != nil {
		t.Fatal(err)
	}
	if version, err = s.Write(t.Context(), target,
		sinks.Write{Data: secrets("a", "4"), Drop: []string{"b", "none"}, If: version}); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), target, sinks.Removal{Keys: []string{"a"}, If: "another"}); !errors.Is(err, sinks.ErrConflict) {
		t.Errorf("a removal at another version: %v", err)
	}
	if err := s.Delete(t.Context(), target, sinks.Removal{Keys: []string{"a"}, If: version}); err != nil {
		t.Fatal(err)
	}
	o, err := s.Read(t.Context(), target)
	if err != nil || len(o.Data) != 1 || o.Data["c"].Reveal() != "3" {
		t.Errorf("it holds %d keys, %v", len(o.Data), err)
	}
	if err := s.Delete(t.Context(), target, sinks.Removal{If: "another"}); !errors.Is(err, sinks.ErrConflict) {
		t.Errorf("a removal at another version: %v", err)
	}
	for range 2 {
		if err := s.Delete(t.Context(), target, sinks.Removal{If: o.Version}); err != nil {
			t.Errorf("a removal: %v", err)
		}
	}
	if err := s.Delete(t.Context(), target, sinks.Removal{Keys: []string{"a"}, If: o.Version}); err != nil {
		t.Errorf("a removal of keys of nothing: %v", err)
	}
}

// What stands in the way of all is told of each; who may not ask learns nothing, but that.
func TestPreflightThatCannotAsk(t *testing.T) {
	for status, class := range map[int]error{403: nil, 500: sinks.ErrUnavailable} {
		f := newFake(t, func(w http.ResponseWriter, _ *http.Request) { fail(w, status, "no") })
		c := f.conn(nil)
		errs := c.open(t).(sinks.Preflighter).Preflight(
			t.Context(),
			[]sinks.Trial{{Target: c.target(t, "a", false)}, {Target: c.target(t, "b", true)}},
		)
		for i, err := range errs {
			if !errors.Is(err, class) {
				t.Errorf("%d: target %d: %v", status, i, err)
			}
		}
		if warned := strings.Contains(c.log.String(), "default policy"); len(errs) != 2 || warned != (status == 403) {
			t.Errorf("%d: %d errors, warned: %v", status, len(errs), warned)
		}
	}
	c := &conn{attrs: attrs{"address": "http://127.0.0.1:1"}, env: attrs{"VAULT_TOKEN": "t", "VAULT_MAX_RETRIES": "0"}}
	s := c.open(t).(sinks.Preflighter)
	if errs := s.Preflight(t.Context(), nil); len(errs) != 0 {
		t.Errorf("of nothing: %v", errs)
	}
	if errs := s.Preflight(t.Context(), []sinks.Trial{{Target: c.target(t, "a", false)}}); !errors.Is(
		errs[0],
		sinks.ErrUnavailable,
	) {
		t.Errorf("where nobody answers: %v", errs)
	}
}

// A token that may only create marks takes what has come into being for something it may
// not touch.
func TestAClaimMeetsAnothersWithLittlePermission(t *testing.T) {
	v := newMemoryVault(t)
	mount := v.KV(2)
	v.Policy("create-"+mount, fmt.Sprintf(`path "%s/metadata/*" { capabilities = ["create", "read"] }`, mount), fmt.Sprintf(`path "%s/data/*" { capabilities = ["create", "update"] }`, mount))
	p := newProxy(t, v)
	c := root(v, mount)
	c.attrs["address"], c.env["VAULT_TOKEN"] = p.URL, v.Token(map[string]any{"policies": []string{"create-" + mount}})
	once := true
	p.setAfter(func(method, path string) {
		if once && method == http.MethodGet && strings.Contains(path, "/metadata/") {
			once = false
			v.MustWrite(mount+"/metadata/a", map[string]any{"custom_metadata": map[string]any{"managed-by": "credsync", "credsync-owner": "p/y"}})
		}
	})
	_, err := c.open(t).(sinks.Claimer).Claim(
		t.Context(),
		c.target(t, "a", false),
		sinks.Write{Data: secrets("k", "v"), Owner: "p/x"},
		sinks.Info{Marks: true},
	)
	if !errors.Is(err, sinks.ErrConflict) || !strings.Contains(err.Error(), "has since claimed it") {
		t.Errorf("Claim = %v", err)
	}
}

// A mount that was taken away meanwhile is named, and is no secret that has gone.
func TestAMountThatIsTakenAwayIsNamed(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, `{"data":{"current_version":1,"versions":{"1":{"created_time":""}}}}`)
			return
		}
		fail(w, 404, `no handler for route "secret/metadata/a". route entry not found.`)
	})
	c := f.conn(nil)
	s := c.open(t)
	merged := c.target(t, "a", true)
	for name, err := range map[string]error{
		"delete":          s.Delete(t.Context(), c.target(t, "a", false), sinks.Removal{If: "1"}),
		"removal of keys": s.Delete(t.Context(), merged, sinks.Removal{If: "1", Keys: []string{"k"}}),
	} {
		if err == nil || !strings.Contains(err.Error(), "vault secrets enable -path=secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Many that begin at once ask for the kind of the mount once.
func TestTheMountIsAskedForOnce(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) { fail(w, 404) })
	c := f.conn(nil)
	s := c.open(t)
	var all sync.WaitGroup
	for range 30 {
		all.Go(func() {
			if _, err := s.Stat(t.Context(), c.target(t, "a", false)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := f.count("/v1/sys/internal/ui/mounts/secret"); n != 1 {
		t.Errorf("asked %d times, want once", n)
	}
}

// A token that may see that there is the mount, and do nothing in it, is denied.
func TestAMountInWhichNothingIsAllowed(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/sys/mounts/secret":
			_, _ = io.WriteString(w, `{"data":{"type":"kv"}}`)
		case "/v1/auth/token/lookup-self":
			_, _ = io.WriteString(w, `{"data":{"ttl":0,"creation_ttl":0,"renewable":false}}`)
		default:
			fail(w, 403, "preflight capability check returned 403")
		}
	}))
	defer server.Close()
	c := &conn{attrs: attrs{"address": server.URL}, env: attrs{"VAULT_TOKEN": "t", "VAULT_MAX_RETRIES": "0"}}
	if _, err := c.open(t).Stat(t.Context(), c.target(t, "a", false)); !errors.Is(err, sinks.ErrDenied) ||
		!strings.Contains(err.Error(), "policies allow nothing in it") {
		t.Errorf("Stat = %v", err)
	}
}
