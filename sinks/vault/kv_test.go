package vault_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/servers"
	"github.com/google/go-cmp/cmp"
)

func testRotationIsOneWrite(t *testing.T, v *servers.VaultServer) {
	mount := v.KV(2)
	p := newProxy(t, v)
	c := root(v, mount)
	c.attrs["address"] = p.URL
	c.env["VAULT_TOKEN"] = leastPrivilege(v, mount, false)
	s, target := c.open(t), c.target(t, "shop/sagi", false)

	seen, err := s.Stat(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	p.seen()
	version, err := s.(sinks.Claimer).Claim(t.Context(), target, sinks.Write{Data: secrets("k", "value-1"), Owner: "p/account.a.b"}, seen)
	if err != nil {
		t.Fatal(err)
	}
	first := []string{"GET /v1/" + mount + "/metadata/shop/sagi", "PUT /v1/" + mount + "/metadata/shop/sagi", "PUT /v1/" + mount + "/data/shop/sagi"}
	if diff := cmp.Diff(first, p.seen()); diff != "" {
		t.Errorf("requests of a first delivery (-want +got):\n%s", diff)
	}
	if _, err := s.Write(t.Context(), target, sinks.Write{Data: secrets("k", "value-2"), If: version, Owner: "p/account.a.b"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"PUT /v1/" + mount + "/data/shop/sagi"}, p.seen()); diff != "" {
		t.Errorf("requests of a rotation (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"k": "value-2"}, v.ReadKV2(mount, "shop/sagi")); diff != "" {
		t.Error(diff)
	}
}

func testSoftDeleted(t *testing.T, v *servers.VaultServer) {
	c := root(v, v.KV(2))
	s := c.open(t)
	for name, path := range map[string]string{"deleted": "data/", "destroyed": "destroy/"} {
		for _, merge := range []bool{false, true} {
			target := c.target(t, fmt.Sprintf("%s-%v", name, merge), merge)
			if _, err := s.Write(t.Context(), target, sinks.Write{Data: secrets("k", "value-1")}); err != nil {
				t.Fatal(err)
			}
			if name == "deleted" {
				v.MustDelete(c.attrs["mount"] + "/" + path + target.Path)
			} else {
				v.MustWrite(c.attrs["mount"]+"/"+path+target.Path, map[string]any{"versions": []int{1}})
			}
			info, err := s.Stat(t.Context(), target)
			if err != nil || info.Exists || !strings.HasPrefix(info.Version, "1@") {
				t.Fatalf("Stat = %+v, %v; want version 1 of nothing", info, err)
			}
			if o, err := s.Read(t.Context(), target); !errors.Is(err, sinks.ErrNotFound) || o.Version != info.Version {
				t.Errorf("Read = version %q, %v; want the version that Stat gave, and nothing found", o.Version, err)
			}
			if _, err := s.Write(t.Context(), target, sinks.Write{Data: secrets("k", "value-2")}); !errors.Is(
				err,
				sinks.ErrConflict,
			) {
				t.Errorf("Write at no version = %v, want a conflict", err)
			}
			if v, err := s.Write(t.Context(), target, sinks.Write{Data: secrets("k", "value-2"), If: info.Version}); err != nil ||
				!strings.HasPrefix(v, "2@") {
				t.Errorf("Write at the version that Stat gave = %q, %v", v, err)
			}
		}
	}
}

// testDestroyed deletes what has only versions that were destroyed.
func testDestroyed(t *testing.T, v *servers.VaultServer) {
	c := root(v, v.KV(2))
	s, target := c.open(t), c.target(t, "a", false)
	version, err := s.Write(t.Context(), target, sinks.Write{Data: secrets("k", "value-1")})
	if err != nil {
		t.Fatal(err)
	}
	v.MustWrite(c.attrs["mount"]+"/destroy/a", map[string]any{"versions": []int{1}})
	if err := s.Delete(t.Context(), target, sinks.Removal{If: version}); err != nil {
		t.Fatal(err)
	}
	if left := v.List(c.attrs["mount"] + "/metadata"); len(left) != 0 {
		t.Errorf("this remains: %v", left)
	}
}

// testVersions compares what each of Vault's answers says of a version, also of one
// that somebody else wrote.
func testVersions(t *testing.T, v *servers.VaultServer) {
	c := root(v, v.KV(2))
	mount := c.attrs["mount"]
	s := c.open(t)
	for _, merge := range []bool{false, true} {
		target := c.target(t, fmt.Sprintf("merge-%v", merge), merge)
		v.MustWrite(mount+"/data/"+target.Path, map[string]any{"data": map[string]any{"k": "theirs"}})
		info, err := s.Stat(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			written, err := s.Write(t.Context(), target, sinks.Write{Data: secrets("k", "value"), If: info.Version})
			if err != nil {
				t.Fatal(err)
			}
			o, err := s.Read(t.Context(), target)
			if err != nil {
				t.Fatal(err)
			}
			info, err = s.Stat(t.Context(), target)
			if err != nil || info.Version != written || o.Version != written {
				t.Errorf("Write gave %q, Read %q, Stat %q, %v", written, o.Version, info.Version, err)
			}
		}
		v.MustDelete(mount + "/data/" + target.Path)
		if o, err := s.Read(t.Context(), target); !errors.Is(err, sinks.ErrNotFound) || o.Version != info.Version {
			t.Errorf("Read of what was deleted softly = %q, %v; want %q", o.Version, err, info.Version)
		}
	}
}

// testPlaces reaches one Vault under two addresses.
func testPlaces(t *testing.T, v *servers.VaultServer) {
	p := newProxy(t, v)
	direct, proxied := root(v, "secret"), root(v, "secret")
	proxied.attrs["address"] = p.URL
	target := direct.target(t, "shop/sagi", false)
	one, err := direct.open(t).Place(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	other, err := proxied.open(t).Place(t.Context(), target)
	if err != nil || one != other || strings.Contains(string(one), v.Address) {
		t.Errorf("the places are %q and %q, %v", one, other, err)
	}
	// Nobody needs a permission to tell it.
	proxied.env["VAULT_TOKEN"] = "hvs.unknown"
	if other, err := proxied.open(t).Place(t.Context(), target); err != nil || one != other {
		t.Errorf("with a token that is not known the place is %q, %v", other, err)
	}
}

func testClaimKeepsOtherMetadata(t *testing.T, v *servers.VaultServer) {
	c := root(v, v.KV(2))
	s, target := c.open(t), c.target(t, "a", false)
	v.MustWrite(c.attrs["mount"]+"/metadata/a", map[string]any{"custom_metadata": map[string]any{"team": "shop"}, "max_versions": 7})
	info, err := s.Stat(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.(sinks.Claimer).Claim(t.Context(), target, sinks.Write{Data: secrets("k", "value-1"), Owner: "p/x"},
		info); err != nil {
		t.Fatal(err)
	}
	got, err := v.Client().Logical().ReadWithContext(t.Context(), c.attrs["mount"]+"/metadata/a")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"team": "shop", "managed-by": "credsync", "credsync-owner": "p/x"}
	if diff := cmp.Diff(want, got.Data["custom_metadata"]); diff != "" {
		t.Error(diff)
	}
	if got.Data["max_versions"] != json.Number("7") {
		t.Error("max_versions was lost")
	}
}

func testClaimIsTakenBack(t *testing.T, v *servers.VaultServer) {
	mount := v.KV(2)
	for _, existing := range []bool{false, true} {
		p := newProxy(t, v)
		c := root(v, mount)
		c.attrs["address"] = p.URL
		s, target := c.open(t), c.target(t, fmt.Sprintf("existing-%v", existing), false)
		if existing {
			v.MustWrite(mount+"/metadata/"+target.Path, map[string]any{"custom_metadata": map[string]any{"team": "shop", "managed-by": "terraform"}})
		}
		seen, err := s.Stat(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		once := new(sync.Once)
		p.setAfter(func(method, path string) {
			if method != http.MethodGet && strings.Contains(path, "/metadata/") {
				once.Do(func() {
					v.MustWrite(mount+"/data/"+target.Path, map[string]any{"data": map[string]any{"theirs": "x"}})
				})
			}
		})
		_, err = s.(sinks.Claimer).Claim(t.Context(), target, sinks.Write{Data: secrets("k", "value-1"), Owner: "p/x"}, seen)
		if !errors.Is(err, sinks.ErrConflict) {
			t.Errorf("Claim = %v, want a conflict", err)
		}
		meta, err := v.Client().Logical().ReadWithContext(t.Context(), mount+"/metadata/"+target.Path)
		if err != nil {
			t.Fatal(err)
		}
		custom, _ := meta.Data["custom_metadata"].(map[string]any)
		want := map[string]any(nil)
		if existing {
			want = map[string]any{"team": "shop", "managed-by": "terraform"}
		}
		if len(custom) != len(want) || existing && !cmp.Equal(custom, want) {
			t.Errorf("custom metadata is %v, want %v", custom, want)
		}
		if diff := cmp.Diff(map[string]any{"theirs": "x"}, v.ReadKV2(mount, target.Path)); diff != "" {
			t.Error(diff)
		}
	}
}

// testWriterKeepsTheMark: two mark a place, each over the other's mark, and the
// one that is overwritten writes first. It has the data, so the mark is its own.
func testWriterKeepsTheMark(t *testing.T, v *servers.VaultServer) {
	mount := v.KV(2)
	p := newProxy(t, v)
	c := root(v, mount)
	c.attrs["address"] = p.URL
	s, target := c.open(t), c.target(t, "a", false)
	once := new(sync.Once)
	p.setAfter(func(method, path string) {
		if method != http.MethodGet && strings.Contains(path, "/metadata/") {
			once.Do(func() {
				v.MustWrite(mount+"/metadata/a", map[string]any{"custom_metadata": map[string]any{"managed-by": "credsync", "credsync-owner": "p/y"}})
			})
		}
	})
	if _, err := s.(sinks.Claimer).Claim(t.Context(), target, sinks.Write{Data: secrets("k", "value-1"), Owner: "p/x"},
		sinks.Info{Marks: true}); err != nil {
		t.Fatal(err)
	}
	if info, err := s.Stat(t.Context(), target); err != nil || info.Owner != "p/x" || !info.Exists {
		t.Errorf("%+v, %v; want the data and the mark of p/x", info, err)
	}
}

func testOddPaths(t *testing.T, v *servers.VaultServer) {
	for _, version := range []int{1, 2} {
		c := root(v, v.KV(version))
		s := c.open(t)
		for _, path := range []string{
			"with space", "percent%41", "100%", "hash#tag", "query?x=y", "plus+plus", "ключ/秘密", "a.b/.c", "colon:semi;comma,", "at@home",
			"quote\"'", "star*", "amp&", "back\\slash", "~tilde", "[\"almaty\"]", "data/x", "metadata",
		} {
			target := c.target(t, path, false)
			data := secrets("k", "value of "+path)
			written, err := s.Write(t.Context(), target, sinks.Write{Data: data})
			if err != nil {
				t.Errorf("v%d, path %q: %v", version, path, err)
				continue
			}
			info, err := s.Stat(t.Context(), target)
			if err != nil || info.Version != written {
				t.Errorf("v%d, path %q: Stat = %+v, %v", version, path, info, err)
			}
			obj, err := s.Read(t.Context(), target)
			if err != nil || !obj.Data["k"].Equal(data["k"]) {
				t.Errorf("v%d, path %q: Read: %v", version, path, err)
			}
		}
	}
}

func testMissingMount(t *testing.T, v *servers.VaultServer) {
	c := root(v, "nope")
	_, err := c.open(t).Stat(t.Context(), c.target(t, "a", false))
	if err == nil || errors.Is(err, sinks.ErrNotFound) || errors.Is(err, sinks.ErrDenied) ||
		!strings.Contains(err.Error(), "vault secrets enable -path=nope") {
		t.Errorf("as root: %v", err)
	}
	c.env["VAULT_TOKEN"] = leastPrivilege(v, "other", false)
	_, err = c.open(t).Stat(t.Context(), c.target(t, "a", false))
	if !errors.Is(err, sinks.ErrDenied) || !strings.Contains(err.Error(), "vault secrets enable -path=nope") || !strings.Contains(err.Error(), "policies") {
		t.Errorf("with little permission: %v", err)
	}
}

// A mount that names a path inside one is told with what to write instead.
func testPathInsideMount(t *testing.T, v *servers.VaultServer) {
	two, one := v.KV(2), v.KV(1)
	for mount, want := range map[string]string{
		two + "/data":           `it is a path inside the mount "` + two + `": set mount = "` + two + `" in the sink block`,
		two + "/data/shop":      `set mount = "` + two + `" in the sink block, and start each path with "shop/"`,
		two + "/shop/tokens":    `set mount = "` + two + `" in the sink block, and start each path with "shop/tokens/"`,
		two + "/metadata":       `set mount = "` + two + `" in the sink block`,
		one + "/data":           `and start each path with "data/"`,
		"/" + two + "/metadata": `set mount = "` + two + `" in the sink block`,
	} {
		c := root(v, mount)
		_, err := c.open(t).Stat(t.Context(), c.target(t, "a", false))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", mount, err, want)
		}
		errs := c.open(t).(sinks.Preflighter).Preflight(t.Context(), []sinks.Trial{{Target: c.target(t, "a", false)}})
		if errs[0] == nil || !strings.Contains(errs[0].Error(), want) {
			t.Errorf("%s: Preflight = %v, want %q", mount, errs[0], want)
		}
	}
}

// The time after which Vault deletes versions is found at the mount and at the record.
func testStateLasts(t *testing.T, v *servers.VaultServer) {
	mount := v.KV(2)
	c := root(v, mount)
	s := c.open(t)
	lasts := func(name string) error {
		warning, err := s.(sinks.Durable).Lasts(t.Context(), c.record(t, "state", name))
		if warning != "" {
			t.Errorf("warned: %s", warning)
		}
		return err
	}
	for _, name := range []string{"", "a"} {
		if err := lasts(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	record := c.record(t, "state", "a")
	v.MustWrite(mount+"/metadata/"+record.Path, map[string]any{"delete_version_after": "2h"})
	if err := lasts(""); err != nil {
		t.Errorf("the mount keeps versions: %v", err)
	}
	if err := lasts("a"); !errors.Is(err, sinks.ErrUnsupported) || !strings.Contains(err.Error(), "delete_version_after") {
		t.Errorf("the record's versions end, and Lasts = %v", err)
	}
	v.MustWrite(mount+"/data/"+record.Path, map[string]any{"data": map[string]any{"record": "x"}})
	if o, err := s.Read(t.Context(), record); err != nil || time.Until(o.Ends) < time.Hour {
		t.Errorf("Read = ends %v, %v", o.Ends, err)
	}
	v.MustWrite(mount+"/config", map[string]any{"delete_version_after": "1h"})
	if err := lasts(""); !errors.Is(err, sinks.ErrUnsupported) {
		t.Errorf("the mount's versions end, and Lasts = %v", err)
	}
	c.env["VAULT_TOKEN"] = v.Token(map[string]any{"policies": []string{"default"}})
	limited := c.open(t).(sinks.Durable)
	if _, err := limited.Lasts(t.Context(), c.record(t, "state", "")); errors.Is(err, sinks.ErrUnsupported) {
		t.Errorf("without permission: %v", err)
	}
}

func testWrongKindOfMount(t *testing.T, v *servers.VaultServer) {
	c := root(v, "cubbyhole")
	if _, err := c.open(t).Stat(t.Context(), c.target(t, "a", false)); err == nil || !strings.Contains(err.Error(), `type "cubbyhole"`) {
		t.Errorf("Stat = %v", err)
	}
}

func testKV1State(t *testing.T, v *servers.VaultServer) {
	c := root(v, v.KV(1))
	s := c.open(t)
	_, err := s.Write(t.Context(), c.record(t, "state", "a"), sinks.Write{Data: secrets("k", "v")})
	if !errors.Is(err, sinks.ErrUnsupported) || !strings.Contains(err.Error(), "enable-versioning") {
		t.Errorf("Write = %v", err)
	}
	if _, err := s.List(t.Context(), c.record(t, "state", "")); !errors.Is(err, sinks.ErrUnsupported) {
		t.Errorf("List = %v", err)
	}
}

func testKV1Unreadable(t *testing.T, v *servers.VaultServer) {
	mount := v.KV(1)
	v.Policy("write-"+mount, fmt.Sprintf(`path "%s/*" { capabilities = ["create", "update"] }`, mount))
	c := root(v, mount)
	c.env["VAULT_TOKEN"] = v.Token(map[string]any{"policies": []string{"write-" + mount}})
	s, target := c.open(t), c.target(t, "a", false)
	info, err := s.Stat(t.Context(), target)
	if diff := cmp.Diff(sinks.Info{Unseen: true, Unguarded: true}, info); err != nil || diff != "" {
		t.Errorf("Stat = %v %s", err, diff)
	}
	if _, err := s.Write(t.Context(), target, sinks.Write{Data: secrets("k", "v"), If: info.Version}); err != nil {
		t.Errorf("Write = %v", err)
	}
	target.Merge = true
	if _, err := s.Write(t.Context(), target, sinks.Write{Data: secrets("k", "v")}); !errors.Is(err, sinks.ErrDenied) {
		t.Errorf("a merge that cannot read what it merges with = %v", err)
	}
}

func testReadsOtherTypes(t *testing.T, v *servers.VaultServer) {
	for _, version := range []int{1, 2} {
		c := root(v, v.KV(version))
		data := map[string]any{"s": "x", "n": json.Number("123456789012345"), "l": []any{"a", 1}, "null": nil, "b": true}
		if version == 2 {
			v.MustWrite(c.attrs["mount"]+"/data/in", map[string]any{"data": data})
		} else {
			v.MustWrite(c.attrs["mount"]+"/in", data)
		}
		obj, err := c.open(t).Read(t.Context(), c.target(t, "in", false))
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for k, s := range obj.Data {
			got[k] = s.Reveal()
		}
		if diff := cmp.Diff(map[string]string{"s": "x", "n": "123456789012345", "l": `["a",1]`, "b": "true"}, got); diff != "" {
			t.Errorf("v%d: %s", version, diff)
		}
	}
}
