package k8ssecret

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/credsync/credsync/internal/proxyenv"
	"github.com/credsync/credsync/sinks"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// errMissing is that what was asked for is not there: the Secret or its
// whole namespace, which reading cannot tell apart; or, of what one can do without,
// that it may not be seen.
var errMissing = errors.New("not there")

// errExpired is that a list took so long that its next page has gone.
var errExpired = errors.New("the list has expired")

// errNoNamespace is that a Secret cannot be created for want of a namespace.
var errNoNamespace = errors.New("no such namespace")

// errInvalid is that the API server finds what was sent invalid, whoever sends it.
var errInvalid = errors.New("the API server finds it invalid")

// errNotAdmitted is that a policy, a webhook or a quota is against it.
var errNotAdmitted = errors.New("refused by the cluster's admission control")

func (c *client) about(what call) string { return what.op + " in Kubernetes at " + c.address }

// describe gives an error its class and its advice.
func (c *client) describe(ctx context.Context, err error, what call) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", c.about(what), ctx.Err())
	}
	var status *apierrors.StatusError
	if !errors.As(err, &status) {
		return c.noAnswer(err, what)
	}
	switch code := statusCode(err); {
	case code == http.StatusTooManyRequests, code >= http.StatusInternalServerError:
		return fmt.Errorf("%s: %w: %s; the API server may be starting or overloaded: run credsync again once it answers", c.about(what), sinks.ErrUnavailable, answer(status, what))
	case code >= http.StatusMultipleChoices && code < http.StatusBadRequest:
		return fmt.Errorf("%s: the API server answered with a redirect, which credsync does not follow because that would send its credentials along: check the server address in %s, and that no proxy with a login page is in between", c.about(what), c.identity)
	case what.optional && (code == http.StatusForbidden || code == http.StatusNotFound):
		return fmt.Errorf("%s: %w", c.about(what), errMissing)
	case apierrors.IsUnexpectedServerError(err):
		return c.foreign(what)
	case code == http.StatusUnauthorized:
		return fmt.Errorf("%s: %w: the API server does not accept the identity of %s: it has expired, was revoked or belongs to another cluster; renew it", c.about(what), sinks.ErrDenied, c.identity)
	case code == http.StatusForbidden:
		return c.forbidden(status, what)
	case apierrors.IsNotFound(err) && kindOf(status) == "namespaces":
		return c.missingNamespace(what)
	case apierrors.IsNotFound(err):
		return fmt.Errorf("%s: %w", c.about(what), errMissing)
	case code == http.StatusConflict:
		return fmt.Errorf("%s: %w", c.about(what), sinks.ErrConflict)
	case apierrors.IsResourceExpired(err):
		return fmt.Errorf("%s: %w", c.about(what), errExpired)
	case code == http.StatusUnprocessableEntity:
		if invalid := fields(status); invalid != "" {
			return fmt.Errorf("%s: %w: %s", c.about(what), errInvalid, invalid)
		}
		return c.notAdmitted(status, what)
	case code == http.StatusRequestEntityTooLarge:
		return fmt.Errorf("%s: %w: the Secret is too large for the API server: deliver less data, or split it over several Secrets", c.about(what), sinks.ErrUnsupported)
	}
	return fmt.Errorf("%s: %s", c.about(what), answer(status, what))
}

// forbidden tells what RBAC denies from what an admission plugin does, whose message
// is anybody's.
func (c *client) forbidden(status *apierrors.StatusError, what call) error {
	before, user, rbac := strings.Cut(status.ErrStatus.Message, `User "`)
	user, denied, _ := strings.Cut(user, `" cannot `)
	switch {
	case apierrors.HasStatusCause(status, corev1.NamespaceTerminatingCause):
		return fmt.Errorf("%s: %w: the namespace %s is being deleted", c.about(what), sinks.ErrUnavailable, what.namespace)
	case !rbac || denied == "" || !strings.HasSuffix(before, "forbidden: ") && before != "":
		return c.notAdmitted(status, what)
	case strings.HasPrefix(denied, "impersonate"):
		return fmt.Errorf("%s: %w: %s may not act as the user or groups that the sink block's impersonate names: grant it the verb \"impersonate\" on them, or remove impersonate", c.about(what), sinks.ErrDenied, user)
	}
	return c.denied(what, user)
}

// denied is a denial with the rules that lift it.
func (c *client) denied(what call, user string) error {
	op, location, _ := strings.Cut(what.op, " ")
	if before, place, ok := strings.Cut(what.op, " "+what.namespace+"/"); ok {
		op, location = before, what.namespace+"/"+place
	}
	return &sinks.Denial{
		Op: op, Locations: []string{location}, Where: "in Kubernetes at " + c.address,
		Who: user, Acts: []string{what.verb + " " + objectOf(what)},
		Needs: "its Role in namespace " + what.namespace + " needs", Rules: what.rules,
	}
}

// notAdmitted is a refusal of the cluster's admission control. Its message may be of a
// policy's author, and is what the user needs to know.
func (c *client) notAdmitted(status *apierrors.StatusError, what call) error {
	return fmt.Errorf("%s: %w: %s", c.about(what), errNotAdmitted, answer(status, what))
}

func objectOf(what call) string {
	if what.workload != "" {
		return fmt.Sprintf("%s %q", what.workload, what.name)
	}
	if what.name == "" {
		return "secrets"
	}
	return fmt.Sprintf("secret %q", what.name)
}

func (c *client) missingNamespace(what call) error {
	return fmt.Errorf("%s: %w %q: correct namespace in the deliver, state or sink block, or run \"kubectl create namespace %s\"", c.about(what), errNoNamespace, what.namespace, what.namespace)
}

// foreign is an answer that no Kubernetes API gives.
func (c *client) foreign(what call) error {
	return fmt.Errorf("%s: the answer is not from a Kubernetes API server: check the server address in %s, and that no proxy answers in its place", c.about(what), c.identity)
}

// answer is what the API server said, without the secrets that the request had. It
// is left out where it is no message of the API at all.
func answer(status *apierrors.StatusError, what call) string {
	text := fmt.Sprintf("HTTP %d", status.ErrStatus.Code)
	message := strings.Join(strings.Fields(withoutSecrets(status.ErrStatus.Message, what)), " ")
	if message == "" || apierrors.IsUnexpectedServerError(status) {
		return text
	}
	return text + ": " + message
}

// tooShort is the length of values that are not hidden in messages: each would be
// found in most words.
const tooShort = 3

// withoutSecrets hides what a policy's message repeats of the request.
func withoutSecrets(message string, what call) string {
	var hidden []string
	for _, s := range what.secrets {
		if v := s.Reveal(); len(v) > tooShort {
			hidden = append(hidden, v, base64.StdEncoding.EncodeToString([]byte(v)))
		}
	}
	// A value can be a part of another one.
	slices.SortFunc(hidden, func(a, b string) int { return len(b) - len(a) })
	for _, v := range hidden {
		message = strings.ReplaceAll(message, v, "[hidden]")
	}
	return message
}

// fields names the fields that are invalid; "" where none is named, as where a policy
// has denied the request. What is said of them can quote their values.
func fields(status *apierrors.StatusError) string {
	var list []string
	if status.ErrStatus.Details != nil {
		for _, cause := range status.ErrStatus.Details.Causes {
			if cause.Field != "" {
				list = append(list, fmt.Sprintf("%s (%s)", cause.Field, cause.Type))
			}
		}
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), ", ")
}

func kindOf(status *apierrors.StatusError) string {
	if status.ErrStatus.Details == nil {
		return ""
	}
	return status.ErrStatus.Details.Kind
}

// statusCode is the HTTP status of an answer that was an error; 0 for none.
func statusCode(err error) int {
	var status *apierrors.StatusError
	if !errors.As(err, &status) {
		return 0
	}
	if code := int(status.ErrStatus.Code); code != 0 {
		return code
	}
	if status.ErrStatus.Reason == metav1.StatusReasonUnknown {
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}

// isCertificate reports whether the server's certificate was refused, or there is none,
// which trying again does not change.
func isCertificate(err error) bool {
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	return errors.As(err, &cert) || errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch)
}

// isProxyVariable reports whether a variable that should name a proxy does not.
func isProxyVariable(err error) bool {
	var variable proxyenv.Error
	return errors.As(err, &variable)
}

// isPlugin reports whether a kubeconfig's exec plugin failed. It is not run
// over and over: it may be logging in.
func isPlugin(err error) bool { return strings.Contains(err.Error(), "getting credentials: ") }

// pluginCause is why, unless that is about what the plugin printed, which is a
// token.
func pluginCause(err error) string {
	_, cause, _ := strings.Cut(err.Error(), "getting credentials: ")
	if !strings.HasPrefix(cause, "exec: ") {
		return ""
	}
	return ", " + strings.Join(strings.Fields(cause), " ")
}

// withoutURL leaves out the URL that net/http puts before the cause.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// noAnswer describes a request that got no answer.
func (c *client) noAnswer(err error, what call) error {
	err = withoutURL(err)
	advice := "check the server address in " + c.identity + " and that this machine can reach it"
	var (
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
	)
	switch {
	case errors.As(err, &authority):
		advice = "the certificate authority in " + c.identity + " did not sign the API server's certificate: correct it"
	case errors.As(err, &host):
		advice = "use a server name that is in the API server's certificate, or set tls-server-name in the kubeconfig"
	case isCertificate(err):
		advice = "the API server's certificate is not valid, or its port does not use TLS: check the server address in " + c.identity + ""
	case errors.Is(err, context.DeadlineExceeded):
		advice = "the API server did not answer in time: run credsync again"
	case isProxyVariable(err):
		advice = "correct it"
	case isPlugin(err):
		return fmt.Errorf("%s: %w: the exec plugin of %s returned no credentials%s: run the plugin, or log in as it asks, and run credsync again", c.about(what), sinks.ErrUnavailable, c.identity, pluginCause(err))
	}
	return fmt.Errorf("%s: %w: %w; %s", c.about(what), sinks.ErrUnavailable, err, advice)
}
