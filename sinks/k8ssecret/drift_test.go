package k8ssecret

import (
	"fmt"
	"maps"
	"net/http"
	"testing"

	"github.com/credsync/credsync/sinks"
	"github.com/google/go-cmp/cmp"
)

func testNoFalseDrift(t *testing.T, c *cluster) {
	target := c.target(t, "quiet")
	version := c.write(t, target, c.write(t, target, "", "k", "one"), "k", "two")
	c.Patch(c.path(target), object{"metadata": object{"labels": object{"someone": "else"}, "annotations": object{"note": "x"}}})
	if info := c.stat(t, target); info.Version != version {
		t.Error("someone's label is taken for drift")
	}
	c.write(t, target, version, "k", "three")
	if o := c.Secret(c.namespace, "quiet"); metadata(o, "labels")["someone"] != "else" || metadata(o, "annotations")["note"] != "x" {
		t.Error("someone's label or annotation was lost")
	}
}

func testDrift(t *testing.T, c *cluster) {
	for name, patch := range map[string]object{
		"changed": {"stringData": object{"k": "other"}},
		"missing": {"data": object{"k": nil}},
		"added":   {"stringData": object{"extra": "x"}},
	} {
		target := c.target(t, "drift-"+name)
		version := c.write(t, target, "", "k", "one", "l", "two")
		c.Patch(c.path(target), patch)
		info := c.stat(t, target)
		if info.Version == version || info.Owner != owner {
			t.Errorf("%s: Stat = %+v, the drift is not seen", name, info)
		}
		c.write(t, target, info.Version, "k", "one", "l", "two")
		c.wantData(t, target, "k", "one", "l", "two")
	}
}

func testReplacesOthersKeys(t *testing.T, c *cluster) {
	c.CreateSecret(c.namespace, "taken", map[string]string{"theirs": "x", "k": "y"}, object{"labels": object{"app": "shop"}})
	target := c.target(t, "taken")
	info := c.stat(t, target)
	if info.Owner != "" {
		t.Errorf("owner %q of what nobody marked", info.Owner)
	}
	version, err := c.sink.Write(
		t.Context(),
		target,
		sinks.Write{Data: secrets("k", "ours"), If: info.Version, Owner: owner, Adopt: true},
	)
	if err != nil {
		t.Fatal(err)
	}
	c.wantData(t, target, "k", "ours")
	if now := c.stat(t, target); now.Version != version || now.Owner != owner {
		t.Errorf("Stat = %+v, want version %s", now, version)
	}
	if metadata(c.Secret(c.namespace, "taken"), "labels")["app"] != "shop" {
		t.Error("a label of theirs was lost")
	}
}

func testDroppedLabels(t *testing.T, c *cluster) {
	with := c.conn.deliver(t, attrs{"name": "labelled", "labels": map[string]string{"a": "1", "b": "2"}, "annotations": map[string]string{"n": "1"}})
	without := c.conn.deliver(t, attrs{"name": "labelled", "labels": map[string]string{"b": "2"}})
	want := object{"app.kubernetes.io/managed-by": "credsync", "b": "2"}
	version := c.write(t, with, "", "k", "1")
	for range 2 {
		version = c.write(t, without, version, "k", "2")
		o := c.Secret(c.namespace, "labelled")
		if diff := cmp.Diff(want, metadata(o, "labels")); diff != "" {
			t.Error(diff)
		}
		if _, ok := metadata(o, "annotations")["n"]; ok {
			t.Error("the annotation is still there")
		}
		version = c.write(t, with, version, "k", "3")
	}
}

func testMergeOfTwoAccounts(t *testing.T, c *cluster) {
	target := c.target(t, "shared")
	target.Merge = true
	version := c.write(t, target, "", "a", "1")
	version = c.write(t, target, version, "b", "1")
	version = c.write(t, target, version, "a", "2")
	c.wantData(t, target, "a", "2", "b", "1")
	if info := c.stat(t, target); info.Owner != "" || len(metadata(c.Secret(c.namespace, "shared"), "labels")) != 0 {
		t.Errorf("a shared Secret is marked: %+v", info)
	}
	if err := c.sink.Delete(t.Context(), target, sinks.Removal{If: version, Keys: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	c.wantData(t, target, "b", "1")
}

func testContested(t *testing.T, c *cluster) {
	for name, applied := range map[string]object{"data": {"data": object{"k": []byte("theirs")}}, "text": {"stringData": object{"k": "theirs"}}, "merged": {"data": object{"k": []byte("theirs")}}} {
		target := c.target(t, "contested-"+name)
		target.Merge = name == "merged"
		version := c.write(t, target, "", "k", "one", "l", "one")
		maps.Copy(applied, object{"apiVersion": "v1", "kind": "Secret", "metadata": object{"name": "contested-" + name}})
		c.Apply("argocd", c.path(target), applied)
		if c.stat(t, target).Version == version {
			t.Fatal("the drift is not seen")
		}
		w := sinks.Write{Data: secrets("k", "canary", "l", "one"), If: c.stat(t, target).Version, Owner: owner}
		_, err := c.sink.Write(t.Context(), target, w)
		wantError(t, err, nil, `"argocd" applies data.k`, "adopt = true")
		c.wantData(t, target, "k", "theirs", "l", "one")
		w.Adopt = true
		if _, err := c.sink.Write(t.Context(), target, w); err != nil {
			t.Fatal(err)
		}
		c.wantData(t, target, "k", "canary", "l", "one")
	}
}

func testEditedByHand(t *testing.T, c *cluster) {
	target := c.target(t, "edited")
	c.write(t, target, c.write(t, target, "", "k", "one"), "k", "two")
	c.Patch(c.path(target), object{"stringData": object{"k": "by hand"}})
	c.write(t, target, c.stat(t, target).Version, "k", "three")
	c.wantData(t, target, "k", "three")
}

func testRecreated(t *testing.T, c *cluster) {
	target := c.target(t, "recreated")
	version := c.write(t, target, "", "k", "one")
	c.Must(http.MethodDelete, c.path(target), "", nil)
	c.CreateSecret(c.namespace, "recreated", map[string]string{"k": "one"}, nil)
	_, err := c.sink.Write(t.Context(), target, sinks.Write{Data: secrets("k", "canary"), If: version})
	wantError(t, err, sinks.ErrConflict)
	wantError(t, c.sink.Delete(t.Context(), target, sinks.Removal{If: version}), sinks.ErrConflict)
}

// testLabelMeanwhile moves the resourceVersion on while credsync writes and
// deletes.
func testLabelMeanwhile(t *testing.T, c *cluster) {
	target := c.target(t, "busy")
	version := c.write(t, target, "", "k", "one")
	n := 0
	p := newProxy(t, c.KubernetesServer, func(r *http.Request) {
		if r.Method == http.MethodGet && n < 3 {
			n++
			c.Patch(c.path(target), object{"metadata": object{"labels": object{"n": fmt.Sprint(n)}}})
		}
	})
	s := p.conn(c.AdminToken).open(t)
	version, err := s.Write(t.Context(), target, sinks.Write{Data: secrets("k", "two"), If: version, Owner: owner})
	if err != nil {
		t.Fatal(err)
	}
	c.wantData(t, target, "k", "two")
	n = 0
	if err := s.Delete(t.Context(), target, sinks.Removal{If: version}); err != nil {
		t.Fatal(err)
	}
	if c.stat(t, target).Exists {
		t.Error("it is still there")
	}
}
