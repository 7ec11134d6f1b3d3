package k8ssecret

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/sinks"
)

// tried tries the write of keys to a target, and returns what stands in its way.
func tried(t *testing.T, s *Sink, target sinks.Target, keys ...string) error {
	t.Helper()
	return s.Preflight(t.Context(), []sinks.Trial{{Target: target, Keys: keys, Owner: owner}})[0]
}

func testPreflight(t *testing.T, c *cluster) {
	c.write(t, c.target(t, "good"), "", "k", "v")
	c.write(t, c.target(t, "unwritable"), "", "k", "v")
	partial := c.account("partial", on([]string{"get"}), on([]string{"patch"}, "good"))
	s := partial.open(t)
	var trials []sinks.Trial
	for _, name := range []string{"good", "unwritable", "absent"} {
		trials = append(trials, sinks.Trial{Target: c.target(t, name), Keys: []string{"k"}, Owner: owner})
	}
	errs := s.Preflight(t.Context(), trials)
	if errs[0] != nil {
		t.Errorf("Preflight = %v", errs[0])
	}
	wantError(t, errs[1], sinks.ErrDenied, `may not patch secret "unwritable"`, `resourceNames: ["unwritable"]`)
	wantError(t, errs[2], sinks.ErrDenied, `may not create secrets`)

	together := sinks.Together(errs...)
	wantError(t, together, sinks.ErrDenied, `may not patch secret "unwritable", create secrets; `, c.namespace+"/unwritable, "+c.namespace+"/absent in")
	if n := strings.Count(together.Error(), `verbs: ["create"]`); n != 1 || strings.Contains(together.Error(), `"good"`) {
		t.Errorf("the rules are not told once, or of what is fine:\n%v", together)
	}
	if c.stat(t, c.target(t, "absent")).Exists {
		t.Error("Preflight made a Secret")
	}
	c.wantData(t, c.target(t, "good"), "k", "v")
}

// policy makes an admission policy for the namespace, and waits until it works.
func (c *cluster) policy(t *testing.T, expression, message string) {
	t.Helper()
	name := c.namespace + ".test"
	c.Must(http.MethodPost, "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies", "", object{
		"metadata": object{"name": name},
		"spec": object{
			"failurePolicy": "Fail",
			"matchConstraints": object{"resourceRules": []object{{
				"apiGroups": []string{""}, "apiVersions": []string{"v1"}, "operations": []string{"CREATE", "UPDATE"}, "resources": []string{"secrets"},
			}}},
			"validations": []object{{"expression": expression, "message": message}},
		},
	})
	c.Must(http.MethodPost, "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings", "", object{
		"metadata": object{"name": name},
		"spec": object{
			"policyName": name, "validationActions": []string{"Deny"},
			"matchResources": object{"namespaceSelector": object{"matchLabels": object{"kubernetes.io/metadata.name": c.namespace}}},
		},
	})
	t.Cleanup(func() {
		c.Must(http.MethodDelete, "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/"+name, "", nil)
		c.Must(http.MethodDelete, "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/"+name, "", nil)
	})
	probe := c.target(t, "is-the-policy-there")
	for range 300 {
		if tried(t, c.sink, probe, "k") != nil {
			return
		}
		_ = pause(t.Context(), 100*time.Millisecond)
	}
	t.Fatal("the policy never came to work")
}

func testPreflightPolicy(t *testing.T, c *cluster) {
	c.write(t, c.target(t, "before"), "", "k", "some-value")
	const message = "every Secret cannot be without a label named team"
	c.policy(t, `has(object.metadata.labels) && "team" in object.metadata.labels`, message)
	for _, name := range []string{"new", "before"} {
		err := tried(t, c.sink, c.target(t, name), "k")
		wantError(t, err, nil, "write "+c.namespace+"/"+name, "refused by the cluster's admission control", message)
		if !errors.Is(err, errNotAdmitted) {
			t.Errorf("Preflight = %v", err)
		}
		labelled := c.conn.deliver(t, attrs{"name": name, "labels": map[string]string{"team": "shop"}})
		if err := tried(t, c.sink, labelled, "k"); err != nil {
			t.Errorf("Preflight of what the policy lets through = %v", err)
		}
	}
	_, err := c.sink.Write(t.Context(), c.target(t, "new"), sinks.Write{Data: secrets("k", "canary"), Owner: owner})
	wantError(t, err, nil, "refused by the cluster's admission control", message)
}

func testPreflightTyped(t *testing.T, c *cluster) {
	tls := c.conn.deliver(t, attrs{"name": "tls", "type": "kubernetes.io/tls"})
	if err := tried(t, c.sink, tls, "tls.crt", "tls.key"); err != nil {
		t.Errorf("Preflight = %v", err)
	}
	wantError(t, tried(t, c.sink, tls, "tls.crt"), nil, "data[tls.key] (FieldValueRequired)")
	if err := tried(t, c.sink, tls); err != nil {
		t.Errorf("Preflight without known keys = %v", err)
	}
	docker := c.conn.deliver(t, attrs{"name": "docker", "type": "kubernetes.io/dockerconfigjson"})
	if err := tried(t, c.sink, docker, ".dockerconfigjson"); err != nil {
		t.Errorf("Preflight = %v", err)
	}

	old := c.conn.deliver(t, attrs{"name": "old-docker", "type": "kubernetes.io/dockercfg"})
	if err := tried(t, c.sink, old, ".dockercfg"); err != nil {
		t.Errorf("Preflight = %v", err)
	}

	// The type of one that is there binds too.
	c.Must(http.MethodPost, "/api/v1/namespaces/"+c.namespace+"/secrets", "", object{
		"metadata": object{"name": "theirs"}, "type": "kubernetes.io/tls", "stringData": object{"tls.crt": "c", "tls.key": "k"},
	})
	theirs := c.target(t, "theirs")
	if err := tried(t, c.sink, theirs, "tls.crt", "tls.key"); err != nil {
		t.Errorf("Preflight = %v", err)
	}
	wantError(t, tried(t, c.sink, c.conn.deliver(t, attrs{"name": "theirs", "type": "Opaque"}), "k"), nil, `its type is "kubernetes.io/tls"`)
	c.wantData(t, theirs, "tls.crt", "c", "tls.key", "k")
}

func testPreflightRestarts(t *testing.T, c *cluster) {
	path := c.workload("Deployment", "deployments", "backend")
	target := func(restart ...string) sinks.Target {
		t := c.conn.deliver(t, attrs{"name": "token", "restart": restart})
		t.Restarts = restart
		return t
	}
	if err := tried(t, c.sink, target("deployment/backend"), "k"); err != nil {
		t.Errorf("Preflight = %v", err)
	}
	if stamp, _ := c.restarted(path); stamp != "" {
		t.Errorf("Preflight restarted it at %s", stamp)
	}
	wantError(t, tried(t, c.sink, target("deployment/backend", "deployment/misspelt"), "k"), nil, "restart deployment/misspelt", "there is no such workload")
	limited := c.account("limited", on([]string{"get", "create", "patch"})).open(t)
	err := tried(t, limited, target("deployment/backend"), "k")
	wantError(t, err, sinks.ErrDenied, `may not patch deployments "backend"`, `- apiGroups: ["apps"]`, `resourceNames: ["backend"]`)
	if n := strings.Count(err.Error(), "its Role"); n != 1 {
		t.Errorf("the rules are told %d times:\n%v", n, err)
	}
	nowhere := c.conn.deliver(t, attrs{"name": "a", "namespace": "nowhere", "restart": []string{"deployment/backend"}})
	nowhere.Restarts = []string{"deployment/backend"}
	err = tried(t, c.sink, nowhere, "k")
	wantError(t, err, nil, `no such namespace "nowhere"`)
	if strings.Contains(err.Error(), "restart") {
		t.Errorf("what follows from the missing namespace is told too: %v", err)
	}
}

// A look and a trial, which asks for permissions too; the look is left out where the
// caller has had it.
func testPreflightRequests(t *testing.T, c *cluster) {
	c.write(t, c.target(t, "there"), "", "k", "v")
	for _, test := range []struct {
		name   string
		absent bool
		want   int
	}{{"there", false, 2}, {"absent", false, 2}, {"absent", true, 1}, {"there", true, 3}} {
		requests := 0
		p := newProxy(t, c.KubernetesServer, func(*http.Request) { requests++ })
		errs := p.conn(c.AdminToken).
			open(t).
			Preflight(t.Context(), []sinks.Trial{{Target: c.target(t, test.name), Keys: []string{"k"},
				Absent: test.absent}})
		if errs[0] != nil || requests != test.want {
			t.Errorf("%+v: %d requests, %v", test, requests, errs[0])
		}
	}
}
