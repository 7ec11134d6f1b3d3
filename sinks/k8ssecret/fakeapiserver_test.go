package k8ssecret

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/slowserver"
	"github.com/google/go-cmp/cmp"
	"k8s.io/klog/v2"
)

// fake is an API server that answers as told, for what a real one does not show
// on demand.
type fake struct {
	*httptest.Server
	mu       sync.Mutex
	requests []string
}

func newFake(t *testing.T, handle func(n int, w http.ResponseWriter, r *http.Request)) *fake {
	f := &fake{}
	f.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.requests = append(f.requests, r.Method+" "+r.URL.RequestURI())
		n := len(f.requests)
		f.mu.Unlock()
		handle(n, w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *fake) conn(t *testing.T) *conn {
	return &conn{attrs: attrs{"kubeconfig": kubeconfigOf(t, f.Server, "canary-token")}}
}

// fail answers as the API server does.
func fail(w http.ResponseWriter, code int, reason, message string, details object) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(object{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message, "details": details})
}

func answerWith(w http.ResponseWriter, o object) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(o)
}

type object = map[string]any

func secretObject(uid, version string, data map[string]string) object {
	encoded := object{}
	for k, v := range data {
		encoded[k] = []byte(v)
	}
	return object{"kind": "Secret", "apiVersion": "v1", "metadata": object{"name": "sagi", "namespace": "shop", "uid": uid, "resourceVersion": version}, "data": encoded}
}

func TestAnswersHaveAClass(t *testing.T) {
	encoded := base64.StdEncoding.EncodeToString([]byte("canary-value"))
	causes := func(kind, field, message string) object {
		return object{"kind": "secrets", "causes": []object{{"reason": kind, "field": field, "message": message}}}
	}
	tests := []struct {
		name   string
		answer func(w http.ResponseWriter)
		class  error
		want   string
	}{
		{"overloaded", func(w http.ResponseWriter) { fail(w, 429, "TooManyRequests", "too many requests", nil) }, sinks.ErrUnavailable, "too many requests"},
		{"etcd is gone", func(w http.ResponseWriter) { fail(w, 500, "InternalError", "etcdserver: request timed out", nil) }, sinks.ErrUnavailable, "request timed out"},
		{"a load balancer's page", func(w http.ResponseWriter) { w.WriteHeader(502); _, _ = io.WriteString(w, "<html>canary-body") }, sinks.ErrUnavailable, "HTTP 502"},
		{"a login page", func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<html>canary-body") }, nil, "not from a Kubernetes API server"},
		{"an object of something else", func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{}`) }, nil, "not from a Kubernetes API server"},
		{"a page that denies", func(w http.ResponseWriter) { w.WriteHeader(403); _, _ = io.WriteString(w, "<html>canary-body") }, nil, "not from a Kubernetes API server"},
		{"unknown identity", func(w http.ResponseWriter) { fail(w, 401, "Unauthorized", "Unauthorized", nil) }, sinks.ErrDenied, "expired"},
		{"denied", func(w http.ResponseWriter) {
			fail(w, 403, "Forbidden", `secrets is forbidden: User "bob" cannot create resource "secrets" in API group "" in the namespace "shop"`, object{"kind": "secrets"})
		}, sinks.ErrDenied, "bob may not create secrets; its Role in namespace shop needs"},
		{"a policy in words of RBAC", func(w http.ResponseWriter) {
			fail(w, 403, "Forbidden", `secrets "sagi" is forbidden: ValidatingAdmissionPolicy 'p' denied request: it cannot create a Secret without a label`, nil)
		}, nil, "admission control: HTTP 403: secrets \"sagi\" is forbidden: ValidatingAdmissionPolicy 'p' denied request: it cannot create"},
		{"no impersonation", func(w http.ResponseWriter) {
			fail(w, 403, "Forbidden", `users "jane" is forbidden: User "bob" cannot impersonate resource "users" in API group "" at the cluster scope`, nil)
		}, sinks.ErrDenied, `bob may not act as the user or groups`},
		{"a policy about a user", func(w http.ResponseWriter) {
			fail(w, 403, "Forbidden", `secrets "sagi" is forbidden: User "bob" has left`, nil)
		}, nil, `admission control: HTTP 403: secrets "sagi" is forbidden: User "bob" has left`},
		{"a policy", func(w http.ResponseWriter) {
			fail(w, 422, "Invalid", "ValidatingAdmissionPolicy 'p' with binding 'p' denied request: no label", object{"causes": []object{{"message": "no label"}}})
		}, nil, "admission control: HTTP 422: ValidatingAdmissionPolicy 'p' with binding 'p' denied request: no label"},
		{"quota", func(w http.ResponseWriter) {
			fail(w, 403, "Forbidden", `secrets "sagi" is forbidden: exceeded quota: few, requested: count/secrets=1`, nil)
		}, nil, "admission control: HTTP 403: secrets \"sagi\" is forbidden: exceeded quota"},
		{"a webhook that quotes", func(w http.ResponseWriter) { fail(w, 403, "Forbidden", "admission webhook: canary-value", nil) }, nil, "admission control: HTTP 403"},
		{"a webhook that quotes base64", func(w http.ResponseWriter) { fail(w, 400, "BadRequest", "policy: "+encoded, nil) }, nil, "HTTP 400"},
		{"no such namespace", func(w http.ResponseWriter) {
			fail(w, 404, "NotFound", `namespaces "shop" not found`, object{"kind": "namespaces", "name": "shop"})
		}, nil, `no such namespace "shop"`},
		{"namespace going", func(w http.ResponseWriter) {
			fail(w, 403, "Forbidden", "unable to create new content in namespace shop", causes("NamespaceTerminating", "metadata.namespace", "namespace shop is being terminated"))
		}, sinks.ErrUnavailable, "namespace shop is being deleted"},
		{"exists", func(w http.ResponseWriter) {
			fail(w, 409, "AlreadyExists", `secrets "sagi" already exists`, object{"kind": "secrets"})
		}, sinks.ErrConflict, "shop/sagi"},
		{"invalid", func(w http.ResponseWriter) {
			fail(w, 422, "Invalid", "canary-value is invalid", causes("FieldValueInvalid", "data[k]", "canary-value"))
		}, nil, "data[k] (FieldValueInvalid)"},
		{"too large", func(w http.ResponseWriter) { fail(w, 413, "RequestEntityTooLarge", "limit is 3145728", nil) }, sinks.ErrUnsupported, "too large"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t, func(_ int, w http.ResponseWriter, _ *http.Request) { test.answer(w) })
			c := f.conn(t)
			_, err := c.open(t).
				Write(t.Context(), c.deliver(t, attrs{"name": "sagi"}), sinks.Write{Data: secrets("k", "canary-value")})
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "canary") ||
				strings.Contains(err.Error(), encoded) {
				t.Fatalf("Write = %v, want %q", err, test.want)
			}
			for _, class := range []error{sinks.ErrDenied, sinks.ErrUnavailable, sinks.ErrConflict,
				sinks.ErrNotFound, sinks.ErrUnsupported} {
				if errors.Is(err, class) != (class == test.class) {
					t.Errorf("error %v: is %q: %v", err, class, errors.Is(err, class))
				}
			}
			if strings.Contains(c.log.String(), "canary") {
				t.Error("the log holds a secret")
			}
		})
	}
}

func TestOutagesAreRetriedWithinBounds(t *testing.T) {
	tests := []struct {
		name   string
		fails  int
		answer func(w http.ResponseWriter)
		want   []time.Duration
		ok     bool
	}{
		{
			"passes",
			2,
			func(w http.ResponseWriter) { fail(w, 503, "ServiceUnavailable", "", nil) },
			[]time.Duration{firstPause, 2 * firstPause},
			true,
		},
		{
			"stays",
			100,
			func(w http.ResponseWriter) { fail(w, 500, "InternalError", "", nil) },
			[]time.Duration{firstPause, 2 * firstPause, 4 * firstPause},
			false,
		},
		{"asks for a pause", 1, func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "3")
			fail(w, 429, "TooManyRequests", "", object{"retryAfterSeconds": 3})
		}, []time.Duration{3 * time.Second}, true},
		{"asks for too long a pause", 1, func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "3600")
			fail(w, 429, "TooManyRequests", "", object{"retryAfterSeconds": 3600})
		}, []time.Duration{maxPause}, true},
		{"a lost connection", 1, func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, []time.Duration{firstPause}, true},
		{"an unknown identity", 100, func(w http.ResponseWriter) { fail(w, 401, "Unauthorized", "", nil) }, []time.Duration{firstPause}, false},
		{"a denial", 100, func(w http.ResponseWriter) { fail(w, 403, "Forbidden", "cannot get", nil) }, nil, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t, func(n int, w http.ResponseWriter, _ *http.Request) {
				if n <= test.fails {
					test.answer(w)
					return
				}
				answerWith(w, secretObject("u", "1", nil))
			})
			c := f.conn(t)
			var pauses []time.Duration
			c.pause = func(_ context.Context, d time.Duration) error {
				pauses = append(pauses, d)
				return nil
			}
			_, err := c.open(t).Stat(t.Context(), c.deliver(t, attrs{"name": "sagi"}))
			if (err == nil) != test.ok {
				t.Errorf("Stat = %v", err)
			}
			if diff := cmp.Diff(test.want, pauses); diff != "" {
				t.Errorf("pauses (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStoppingEndsTheRetries(t *testing.T) {
	f := newFake(t, func(_ int, w http.ResponseWriter, _ *http.Request) { fail(w, 503, "ServiceUnavailable", "", nil) })
	c := f.conn(t)
	ctx, cancel := context.WithCancel(t.Context())
	c.pause = func(ctx context.Context, _ time.Duration) error {
		cancel()
		return pause(ctx, time.Hour)
	}
	_, err := c.open(t).Stat(ctx, c.deliver(t, attrs{"name": "sagi"}))
	if !errors.Is(err, context.Canceled) || len(f.requests) != 1 {
		t.Errorf("Stat = %v after %d requests", err, len(f.requests))
	}
}

// TestLostAnswerIsNoConflict: the first attempt was carried out, and the second
// finds its effect.
func TestLostAnswerIsNoConflict(t *testing.T) {
	var stored object
	f := newFake(t, func(n int, w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost && stored == nil:
			_ = json.NewDecoder(r.Body).Decode(&stored)
			stored["metadata"].(object)["uid"], stored["metadata"].(object)["resourceVersion"] = "u", "1"
			fail(w, 504, "Timeout", "", nil)
		case r.Method == http.MethodPost:
			fail(w, 409, "AlreadyExists", "", nil)
		default:
			answerWith(w, stored)
		}
	})
	c := f.conn(t)
	s, target := c.open(t), c.deliver(t, attrs{"name": "sagi"})
	w := sinks.Write{Data: secrets("k", "v"), Owner: "p/account.x.y"}
	version, err := s.Write(t.Context(), target, w)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := s.Stat(t.Context(), target); err != nil || info.Version != version {
		t.Errorf("Stat = %+v, %v; want version %s", info, err, version)
	}
	stored = nil
	lost := func(change func(object)) error {
		stored = nil
		f.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			switch {
			case r.Method == http.MethodPost && stored == nil:
				_ = json.NewDecoder(r.Body).Decode(&stored)
				change(stored)
				fail(rw, 504, "Timeout", "", nil)
			case r.Method == http.MethodPost:
				fail(rw, 409, "AlreadyExists", "", nil)
			default:
				answerWith(rw, stored)
			}
		})
		_, err := s.Write(t.Context(), target, w)
		return err
	}
	for name, change := range map[string]func(object){
		"other data":  func(o object) { o["data"] = object{"k": []byte("theirs")} },
		"more data":   func(o object) { o["data"].(object)["l"] = []byte("theirs") },
		"other owner": func(o object) { o["metadata"].(object)["annotations"] = object{ownerAnnotation: "p/account.x.z"} },
	} {
		if err := lost(change); !errors.Is(err, sinks.ErrConflict) {
			t.Errorf("%s: Write = %v, want a conflict", name, err)
		}
	}
}

func TestAConflictAtOnceIsOne(t *testing.T) {
	f := newFake(t, func(_ int, w http.ResponseWriter, r *http.Request) { fail(w, 409, "AlreadyExists", "", nil) })
	c := f.conn(t)
	_, err := c.open(t).Write(t.Context(), c.deliver(t, attrs{"name": "sagi"}), sinks.Write{Data: secrets("k", "v")})
	if !errors.Is(err, sinks.ErrConflict) || len(f.requests) != 1 {
		t.Errorf("Write = %v after %q, want a conflict after one request", err, f.requests)
	}
}

// TestListThatExpiresStartsAgain, once.
func TestListThatExpiresStartsAgain(t *testing.T) {
	names := func(continues string, names ...string) object {
		var items []object
		for _, name := range names {
			items = append(items, object{"metadata": object{"name": name}})
		}
		return object{"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": object{"continue": continues}, "items": items}
	}
	expiries := 1
	f := newFake(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Query().Get("continue") == "":
			answerWith(w, names("next", "credsync-state.a"))
		case expiries > 0:
			expiries--
			fail(w, 410, "Expired", "The provided continue parameter is too old", nil)
		default:
			answerWith(w, names("", "credsync-state.b", "credsync-state.c.d"))
		}
	})
	c := f.conn(t)
	s, prefix := c.open(t), c.record(t, nil, "")
	list, err := s.List(t.Context(), prefix)
	if err != nil || len(list) != 2 || list[1].Path != "shop/credsync-state.b" {
		t.Errorf("List = %v, %v", list, err)
	}
	expiries = 100
	if _, err := s.List(t.Context(), prefix); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("List = %v", err)
	}
}

func TestListWithoutAnEndIsRefused(t *testing.T) {
	f := newFake(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		answerWith(w, object{"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": object{"continue": "more"}})
	})
	c := f.conn(t)
	s := c.open(t)
	if _, err := s.List(t.Context(), c.record(t, nil, "")); err == nil ||
		!strings.Contains(err.Error(), fmt.Sprint(maxPages)) {
		t.Errorf("List = %v", err)
	}
}

func TestRequestsSayWhoAsks(t *testing.T) {
	var header http.Header
	f := newFake(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		header = r.Header
		w.Header().Add("Warning", `299 - "something is deprecated"`)
		answerWith(w, secretObject("u", "1", nil))
	})
	c := f.conn(t)
	c.attrs["impersonate"], c.attrs["impersonate_groups"] = "jane", []string{"a", "b"}
	if _, err := c.open(t).Stat(t.Context(), c.deliver(t, attrs{"name": "sagi"})); err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, name := range []string{"User-Agent", "Authorization", "Impersonate-User", "Impersonate-Group"} {
		got[name] = header.Values(name)
	}
	want := map[string][]string{"User-Agent": {"credsync/1.2.3"}, "Authorization": {"Bearer canary-token"}, "Impersonate-User": {"jane"}, "Impersonate-Group": {"a", "b"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(c.log.String(), "something is deprecated") {
		t.Errorf("the API server's warning is not logged: %s", c.log.String())
	}
}

func TestVersionsDifferWhereContentDoes(t *testing.T) {
	var current object
	f := newFake(t, func(_ int, w http.ResponseWriter, _ *http.Request) { answerWith(w, current) })
	c := f.conn(t)
	s := c.open(t)
	target, record := c.deliver(t, attrs{"name": "sagi"}), c.record(t, nil, "sagi")
	stat := func(target sinks.Target, o object) string {
		current = o
		info, err := s.Stat(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		return info.Version
	}
	first := stat(target, secretObject("u", "1", map[string]string{"a": "bc", "d": ""}))
	if again := stat(target, secretObject("u", "2", map[string]string{"d": "", "a": "bc"})); again != first {
		t.Error("a target's version depends on the resourceVersion")
	}
	for name, o := range map[string]object{
		"uid": secretObject("v", "1", map[string]string{"a": "bc", "d": ""}), "value": secretObject("u", "1", map[string]string{"a": "bd", "d": ""}),
		"borders": secretObject("u", "1", map[string]string{"ab": "c", "d": ""}), "missing": secretObject("u", "1", map[string]string{"a": "bc"}),
	} {
		if stat(target, o) == first {
			t.Errorf("%s: the version is the same", name)
		}
	}
	if got := stat(record, secretObject("u", "17", nil)); got != "17" {
		t.Errorf("a record's version is %q, want the resourceVersion", got)
	}
}

// client-go logs to standard error, past the program's log, what it returns
// anyway.
func TestClientGoLogsNothingPastTheLog(t *testing.T) {
	var out bytes.Buffer
	klog.LogToStderr(false)
	klog.SetOutput(&out)
	defer func() {
		klog.LogToStderr(true)
		klog.SetOutput(io.Discard)
	}()
	for name, handle := range map[string]http.HandlerFunc{
		"cut short":   func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "100") },
		"out of time": slowserver.SlowBody,
	} {
		f := newFake(t, func(_ int, w http.ResponseWriter, r *http.Request) { handle(w, r) })
		c := f.conn(t)
		c.timeout = 100 * time.Millisecond
		if _, err := c.open(t).Stat(t.Context(), c.deliver(t, attrs{"name": "sagi"})); err == nil {
			t.Errorf("%s: it went well", name)
		}
	}
	klog.Flush()
	if out.Len() > 0 {
		t.Errorf("client-go logged:\n%s", &out)
	}
}
