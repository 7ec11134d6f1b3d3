package k8ssecret

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
)

const systemNamespace = "GET /api/v1/namespaces/kube-system"

func namespaceObject(uid string) object {
	return object{"kind": "Namespace", "apiVersion": "v1", "metadata": object{"name": "kube-system", "uid": uid}}
}

func TestTheClusterIsAskedForOnce(t *testing.T) {
	f := newFake(t, func(_ int, w http.ResponseWriter, _ *http.Request) { answerWith(w, namespaceObject("u1")) })
	c := f.conn(t)
	s, target := c.open(t), c.deliver(t, attrs{"name": "sagi"})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			p, err := s.Place(t.Context(), target)
			if err != nil || p != "k8ssecret u1 shop/sagi" {
				t.Errorf("Place = %q, %v", p, err)
			}
			if back, here, err := s.At(t.Context(), p, target.Options); err != nil || !here ||
				back.Path != target.Path ||
				back.Location != target.Location {
				t.Errorf("At = %+v, %v, %v", back, here, err)
			}
		})
	}
	all.Wait()
	if len(f.requests) != 1 || !strings.HasPrefix(f.requests[0], systemNamespace) {
		t.Errorf("asked %q, want once for the namespace", f.requests)
	}
	if s.Address() != f.URL {
		t.Errorf("Address = %q", s.Address())
	}
	for _, place := range []sinks.Place{
		"", "vault u1 shop/sagi", "k8ssecret u2 shop/sagi", "k8ssecret u1 ", "k8ssecret u1 shop", "k8ssecret u1 shop/", "k8ssecret u1 /sagi", "k8ssecret u1 shop/sagi/x",
		"k8ssecret u1 x shop/sagi",
	} {
		if back, here, err := s.At(t.Context(), place, schema.Values{}); here || err != nil {
			t.Errorf("At(%q) = %+v, %v", place, back, err)
		}
	}
	if len(f.requests) != 1 {
		t.Errorf("asked again: %q", f.requests)
	}
}

func TestANamedClusterIsNotAskedFor(t *testing.T) {
	f := newFake(t, func(_ int, w http.ResponseWriter, _ *http.Request) { answerWith(w, namespaceObject("u1")) })
	c := f.conn(t)
	c.attrs["cluster"] = "production"
	p, err := c.open(t).Place(t.Context(), c.deliver(t, attrs{"name": "sagi"}))
	if err != nil || p != "k8ssecret production shop/sagi" || len(f.requests) != 0 {
		t.Errorf("Place = %q, %v after %q", p, err, f.requests)
	}
}

// TestWithoutTheSystemNamespace: where it may not be read, or is not there, the
// address says which cluster it is. Of a server that does not answer for now, or
// not to this identity, nothing is said.
func TestWithoutTheSystemNamespace(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter)
		class  error
		ok     bool
	}{
		"denied": {func(w http.ResponseWriter) {
			fail(w, 403, "Forbidden", `namespaces "kube-system" is forbidden: User "bob" cannot get resource "namespaces" in API group "" in the namespace "kube-system"`, object{"kind": "namespaces", "name": "kube-system"})
		}, nil, true},
		"denied by a gateway": {func(w http.ResponseWriter) { w.WriteHeader(403); _, _ = io.WriteString(w, "<html>") }, nil, true},
		"not there": {func(w http.ResponseWriter) {
			fail(w, 404, "NotFound", `namespaces "kube-system" not found`, object{"kind": "namespaces", "name": "kube-system"})
		}, nil, true},
		"unknown identity": {func(w http.ResponseWriter) { fail(w, 401, "Unauthorized", "Unauthorized", nil) }, sinks.ErrDenied, false},
		"overloaded":       {func(w http.ResponseWriter) { fail(w, 429, "TooManyRequests", "too many requests", nil) }, sinks.ErrUnavailable, false},
		"etcd is gone":     {func(w http.ResponseWriter) { fail(w, 500, "InternalError", "etcdserver: request timed out", nil) }, sinks.ErrUnavailable, false},
		"a login page":     {func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<html>") }, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, func(_ int, w http.ResponseWriter, _ *http.Request) { c.answer(w) })
			conn := f.conn(t)
			p, err := conn.open(t).Place(t.Context(), conn.deliver(t, attrs{"name": "sagi"}))
			if (err == nil) != c.ok || c.class != nil && !errors.Is(err, c.class) {
				t.Errorf("Place = %q, %v", p, err)
			}
			if want := "k8ssecret " + f.URL + " shop/sagi"; c.ok && string(p) != want || !c.ok && p != "" {
				t.Errorf("Place = %q, want %q", p, want)
			}
		})
	}
}

func TestDroppedKeysCountForWhatWasWrittenBefore(t *testing.T) {
	before := secretObject("u", "1", map[string]string{"theirs": "x", "old": "y"})
	for _, dropped := range []bool{true, false} {
		written := false
		f := newFake(t, func(_ int, w http.ResponseWriter, r *http.Request) {
			switch {
			case r.Method == http.MethodPatch && !written:
				written = true
				fail(w, 504, "Timeout", "", nil)
			case r.Method == http.MethodPatch:
				fail(w, 409, "Conflict", "", nil)
			case !written:
				answerWith(w, before)
			case dropped:
				answerWith(w, secretObject("u", "2", map[string]string{"theirs": "x", "new": "z"}))
			default:
				answerWith(w, secretObject("u", "2", map[string]string{"theirs": "x", "new": "z", "old": "y"}))
			}
		})
		c := f.conn(t)
		s, target := c.open(t), c.deliver(t, attrs{"name": "sagi"})
		target.Merge = true
		info, err := s.Stat(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Write(t.Context(), target, sinks.Write{Data: secrets("new", "z"), Drop: []string{"old"}, If: info.Version})
		if dropped && err != nil || !dropped && !errors.Is(err, sinks.ErrConflict) {
			t.Errorf("dropped %v: Write = %v after\n%s", dropped, err, strings.Join(f.requests, "\n"))
		}
	}
}
