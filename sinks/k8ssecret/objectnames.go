package k8ssecret

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/zclconf/go-cty/cty"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// The marks on what credsync writes.
const (
	managedByLabel = "app.kubernetes.io/managed-by"
	manager        = "credsync"
	// domain is that of the labels, annotations and types that are credsync's.
	domain              = "credsync.dev"
	ownerAnnotation     = domain + "/owner"
	expiresAtAnnotation = domain + "/expires-at"
	rotatedAtAnnotation = domain + "/rotated-at"
	// stateLabel has the state's prefix, so that one list finds its Secrets.
	stateLabel = domain + "/state"
	stateType  = corev1.SecretType(domain + "/state")
)

// maxPrefix leaves room for the names of records, of up to 93 characters.
const maxPrefix = 150

func notEmpty(v cty.Value) error {
	if strings.TrimSpace(v.AsString()) == "" {
		return errors.New("it must not be empty")
	}
	return nil
}

func checkName(v cty.Value) error {
	return invalid(v.AsString(), "the name of a Secret", validation.IsDNS1123Subdomain(v.AsString()))
}

func checkNamespace(v cty.Value) error {
	return invalid(v.AsString(), "the name of a namespace", validation.IsDNS1123Label(v.AsString()))
}

func checkPrefix(v cty.Value) error {
	if len(v.AsString()) > maxPrefix {
		return fmt.Errorf("it is longer than %d characters, which leaves too few for the accounts' names", maxPrefix)
	}
	return checkName(v)
}

// checkType refuses, besides what is no type, those whose content others make.
func checkType(v cty.Value) error {
	switch t := v.AsString(); {
	case t == string(corev1.SecretTypeServiceAccountToken):
		return fmt.Errorf("the content of Secrets of the type %q comes from Kubernetes itself; use another type", t)
	case strings.HasPrefix(t, domain+"/"):
		return fmt.Errorf("types that begin with %s/ are reserved for credsync; use another type", domain)
	default:
		return invalid(t, "the type of a Secret", validation.IsQualifiedName(t))
	}
}

func checkLabels(v cty.Value) error {
	return checkMap(v, "label", func(key, value string) error {
		if problems := validation.IsValidLabelValue(value); len(problems) > 0 {
			return invalid(value, "the value of the label "+key, problems)
		}
		return nil
	})
}

func checkAnnotations(v cty.Value) error {
	return checkMap(v, "annotation", func(string, string) error { return nil })
}

func checkMap(v cty.Value, what string, checkValue func(key, value string) error) error {
	texts := textsOf(v)
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		if key == managedByLabel || strings.HasPrefix(key, domain+"/") {
			return fmt.Errorf("credsync sets %s itself; remove it", key)
		}
		if err := invalid(key, "the name of a "+what, validation.IsQualifiedName(key)); err != nil {
			return err
		}
		if err := checkValue(key, texts[key]); err != nil {
			return err
		}
	}
	return nil
}

func checkImpersonation(v schema.Values) error {
	if v.IsSet("impersonate_groups") && !v.IsSet("impersonate") {
		return errors.New("impersonate_groups needs impersonate: set both")
	}
	return nil
}

func invalid(value, what string, problems []string) error {
	if len(problems) == 0 {
		return nil
	}
	for i, p := range problems {
		// Examples and a regular expression follow.
		problems[i], _, _ = strings.Cut(p, " (e.g. ")
	}
	return fmt.Errorf("%q cannot be %s: %s", value, what, strings.Join(problems, "; "))
}

// texts returns a map(string) attribute; nil where the block has no such
// attribute.
func texts(v schema.Values, name string) map[string]string {
	if v.Block() == nil || !v.Has(name) {
		return nil
	}
	return v.StringMap(name)
}

func textsOf(v cty.Value) map[string]string {
	if v.IsNull() || !v.IsWhollyKnown() {
		return nil
	}
	m := map[string]string{}
	for it := v.ElementIterator(); it.Next(); {
		key, value := it.Element()
		if !value.IsNull() {
			m[key.AsString()] = value.AsString()
		}
	}
	return m
}

// target is the Secret of that name, in the namespace that the block, the sink,
// the kubeconfig or the pod says.
func (m machine) target(conn, v schema.Values, name string) (sinks.Target, error) {
	if err := checkName(cty.StringVal(name)); err != nil {
		return sinks.Target{}, fmt.Errorf("name: %w", err)
	}
	namespace := v.String("namespace")
	if namespace == "" {
		namespace = conn.String("namespace")
	}
	if namespace == "" {
		found, err := m.namespace(conn)
		if err != nil {
			return sinks.Target{}, fmt.Errorf("namespace: %w", err)
		}
		namespace = found
	}
	if err := checkNamespace(cty.StringVal(namespace)); err != nil {
		return sinks.Target{}, fmt.Errorf("namespace: %w", err)
	}
	path := namespace + "/" + name
	return sinks.Target{Path: path, Location: path, Options: v}, nil
}

// place is the reverse of target.
func place(t sinks.Target) (namespace, name string) {
	namespace, name, _ = strings.Cut(t.Path, "/")
	return namespace, name
}

// recordName is the name of the state's Secret for a record. A record's own
// name has no dot, so that what is below one prefix is not below another.
func recordName(prefix, record string) string {
	if record == "" {
		return prefix
	}
	return prefix + "." + record
}

// isState reports whether a target is, or is the prefix of, state records.
func isState(t sinks.Target) bool {
	return t.Options.Block() != nil && t.Options.Block().Type == "state"
}

// stateMark is the value of stateLabel for a prefix: the prefix itself, unless
// it is too long for a label.
func stateMark(prefix string) string {
	if len(prefix) <= validation.LabelValueMaxLength {
		return prefix
	}
	sum := sha256.Sum256([]byte(prefix))
	return hex.EncodeToString(sum[:16])
}

func checkKey(key string) error {
	if len(validation.IsConfigMapKey(key)) > 0 {
		return fmt.Errorf("%q cannot be a key of a Secret: use letters, digits, \"-\", \"_\" and \".\"", key)
	}
	return nil
}

// checkData finds what the API server would refuse, before anything is sent.
func checkData(t sinks.Target, data map[string]credential.Secret) error {
	size := 0
	for _, key := range slices.Sorted(maps.Keys(data)) {
		if err := checkKey(key); err != nil {
			return fmt.Errorf("write %s: %w: %w; rename it in the deliver block's data", t.Location, sinks.ErrUnsupported, err)
		}
		size += len(data[key].Reveal())
	}
	if size > corev1.MaxSecretSize {
		return fmt.Errorf("write %s: %w: the values have %d bytes, and a Secret holds at most %d: deliver less data, or split it over several Secrets", t.Location, sinks.ErrUnsupported, size, corev1.MaxSecretSize)
	}
	return nil
}
