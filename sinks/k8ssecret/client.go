package k8ssecret

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/crashpoint"
	"github.com/credsync/credsync/internal/proxyenv"
	"github.com/credsync/credsync/internal/redact"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/hashicorp/go-hclog"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	k8sschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
)

const (
	requestTimeout = 30 * time.Second
	// unlimited leaves it to the API server, which shares itself out fairly, to
	// slow its clients down. A run has few requests open at once.
	unlimited = -1

	// A request is sent at most maxAttempts times, with pauses that double.
	maxAttempts = 4
	firstPause  = 200 * time.Millisecond
	// maxPause bounds the pause that an API server may ask for.
	maxPause = 10 * time.Second
)

// client sends requests to one API server. Only the REST client is used, with
// types of its own choosing: the typed clients bring all of Kubernetes' types
// along, which would double the size of the program.
type client struct {
	rest rest.Interface
	// address is the API server's, and identity where credsync's identity
	// comes from: for errors.
	address, identity string
	// pause waits between attempts.
	pause func(ctx context.Context, d time.Duration) error
}

func newClient(id identity, conn schema.Values, env sinks.Env) (*client, error) {
	config := rest.CopyConfig(id.config)
	config.UserAgent = "credsync/" + env.Version
	config.Timeout = requestTimeout
	config.QPS = unlimited
	if config.Proxy == nil {
		config.Proxy = proxyenv.Func(env.Getenv)
	}
	config.Wrap(crashpoint.Transport)
	config.WarningHandler = warnings{env.Log}
	// API servers do not repeat a token; what poses as one may.
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return redact.NewTransport(next)
	})
	if conn.IsSet("impersonate") {
		config.Impersonate = rest.ImpersonationConfig{UserName: conn.String("impersonate"), Groups: conn.Strings("impersonate_groups")}
	}
	config.APIPath = "/api"
	config.GroupVersion = &k8sschema.GroupVersion{Version: "v1"}
	config.ContentType = runtime.ContentTypeJSON
	// The answers are decoded here; the scheme is for the API's errors.
	scheme := runtime.NewScheme()
	metav1.AddToGroupVersion(scheme, *config.GroupVersion)
	config.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	// client-go would follow redirects, and add the token again on each hop.
	httpClient, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("set up the connection of %s: %w", id.name, withoutURL(err))
	}
	httpClient.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	made, err := rest.RESTClientForConfigAndClient(config, httpClient)
	if err != nil {
		return nil, fmt.Errorf("set up the connection of %s: %w", id.name, withoutURL(err))
	}
	return &client{rest: made, address: addressOf(made), identity: id.name, pause: pause}, nil
}

// addressOf is the API server's address, without what else a URL can have.
func addressOf(c rest.Interface) string {
	u := *c.Get().URL()
	return u.Scheme + "://" + u.Host
}

// warnings logs what API servers warn of.
type warnings struct{ log hclog.Logger }

// HandleWarningHeader implements rest.WarningHandler.
func (w warnings) HandleWarningHeader(code int, _ string, text string) {
	if code == 299 && text != "" {
		w.log.Warn("The Kubernetes API server sent a warning", "warning", text)
	}
}

// call is one request, as errors describe it.
type call struct {
	// op is what is being done, with its object: "write shop/sagi-token".
	op string
	// verb, namespace and name are what RBAC has to allow; name is "" where
	// that cannot be said of a single Secret.
	verb, namespace, name string
	// workload is the plural of the kind in group apps, where it is about one
	// of those; "" for a Secret.
	workload string
	// rules are all that credsync needs for what it is about, of which the verb is a
	// part: who lacks one mostly lacks others, and should not meet them one by one.
	rules []string
	// optional says that one can do without what is asked for: a denial of it is
	// errMissing too, whoever denies it.
	optional bool
	// secrets are what the request carries and no error may tell.
	secrets map[string]credential.Secret
}

func callFor(op, verb string, t sinks.Target) call {
	namespace, name := place(t)
	return call{op: op + " " + t.Location, verb: verb, namespace: namespace, name: name, rules: rulesFor(t, verb)}
}

// errRepeated marks the failure of a request that had been sent before: the
// attempt before it may have been carried out.
var errRepeated = errors.New("repeated")

// do sends a request, again after failures that may pass by themselves, and
// decodes the answer. Every request is safe to repeat: those that change
// something say at which version.
func (c *client) do(ctx context.Context, what call, build func() *rest.Request, into any) error {
	for attempt := 1; ; attempt++ {
		body, err := send(ctx, build())
		if err == nil {
			if json.Unmarshal(body, into) != nil || isNoObject(into) {
				return c.foreign(what)
			}
			return nil
		}
		if wait, again := retry(err, attempt); again && ctx.Err() == nil {
			if c.pause(ctx, wait) == nil {
				continue
			}
		}
		err = c.describe(ctx, err, what)
		if attempt > 1 {
			err = repeated{err}
		}
		return err
	}
}

// isNoObject reports whether an answer does not say what it is, as each of an API
// server does: an empty one of something else would pass for a list of nothing.
func isNoObject(answer any) bool {
	object, ok := answer.(runtime.Object)
	return ok && object.GetObjectKind().GroupVersionKind().Kind == ""
}

// repeated is an error that is also errRepeated.
type repeated struct{ error }

func (r repeated) Unwrap() []error { return []error{r.error, errRepeated} }

func send(ctx context.Context, r *rest.Request) ([]byte, error) {
	// client-go logs to standard error what it also returns.
	result := r.MaxRetries(0).Do(klog.NewContext(ctx, klog.New(nil)))
	if err := result.Error(); err != nil {
		return nil, err
	}
	return result.Raw()
}

// retry says whether to send a request again, and when. A rejected identity is
// tried once more: by then client-go has read the token's file, or run the exec plugin,
// again.
func retry(err error, attempt int) (time.Duration, bool) {
	if attempt >= maxAttempts {
		return 0, false
	}
	wait := firstPause << (attempt - 1)
	switch code := statusCode(err); {
	case code == 0:
		return wait, !isCertificate(err) && !isPlugin(err) && !isProxyVariable(err)
	case code == http.StatusUnauthorized:
		return wait, attempt == 1
	case code == http.StatusTooManyRequests, code >= http.StatusInternalServerError:
		if seconds, ok := apierrors.SuggestsClientDelay(err); ok {
			wait = max(wait, time.Duration(seconds)*time.Second)
		}
		return min(wait, maxPause), true
	}
	return 0, false
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
