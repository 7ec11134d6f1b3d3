package k8ssecret

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/sinks"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

const secretsResource = "secrets"

// get reads a Secret; nil where there is none.
func (c *client) get(ctx context.Context, op string, t sinks.Target) (*corev1.Secret, error) {
	what := callFor(op, "get", t)
	var secret corev1.Secret
	err := c.do(ctx, what, func() *rest.Request {
		return c.rest.Get().Namespace(what.namespace).Resource(secretsResource).Name(what.name)
	}, &secret)
	if errors.Is(err, errMissing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &secret, nil
}

// create makes a Secret; ErrConflict where there is one. With dry it only tries.
func (c *client) create(
	ctx context.Context,
	t sinks.Target,
	op string,
	secret *corev1.Secret,
	secrets map[string]credential.Secret,
	dry bool,
) (*corev1.Secret, error) {
	what := callFor(op, "create", t)
	what.name, what.secrets = "", secrets // a rule with names cannot allow it
	body, err := json.Marshal(secret)
	if err != nil {
		return nil, fmt.Errorf("%s: encode the request: %w", c.about(what), err)
	}
	var made corev1.Secret
	err = c.do(ctx, what, func() *rest.Request {
		r := c.rest.Post().Namespace(what.namespace).Resource(secretsResource).Param("fieldManager", manager)
		if dry {
			r.Param("dryRun", metav1.DryRunAll)
		}
		return r.Body(body)
	}, &made)
	return &made, err
}

// patch changes a Secret; ErrConflict where it has gone or is not at the
// resourceVersion that the body names. With dry it only tries.
func (c *client) patch(
	ctx context.Context,
	op string,
	t sinks.Target,
	kind types.PatchType,
	content any,
	secrets map[string]credential.Secret,
	dry bool,
) (*corev1.Secret, error) {
	what := callFor(op, "patch", t)
	what.secrets = secrets
	body, err := json.Marshal(content)
	if err != nil {
		return nil, fmt.Errorf("%s: encode the request: %w", c.about(what), err)
	}
	var made corev1.Secret
	err = c.do(ctx, what, func() *rest.Request {
		r := c.rest.Patch(kind).Namespace(what.namespace).Resource(secretsResource).Name(what.name).Param("fieldManager", manager)
		if kind == types.ApplyPatchType {
			r.Param("force", "true")
		}
		if dry {
			r.Param("dryRun", metav1.DryRunAll)
		}
		return r.Body(body)
	}, &made)
	if errors.Is(err, errMissing) {
		err = fmt.Errorf("%s: %w: the Secret has since been deleted", c.about(what), sinks.ErrConflict)
	}
	return &made, err
}

// erase deletes exactly the Secret that was seen. One that has gone is no
// error.
func (c *client) erase(ctx context.Context, t sinks.Target, seen *corev1.Secret) error {
	what := callFor("delete", "delete", t)
	body, err := json.Marshal(metav1.DeleteOptions{
		TypeMeta:      metav1.TypeMeta{Kind: "DeleteOptions", APIVersion: "v1"},
		Preconditions: &metav1.Preconditions{UID: &seen.UID, ResourceVersion: &seen.ResourceVersion},
	})
	if err != nil {
		return fmt.Errorf("%s: encode the request: %w", c.about(what), err)
	}
	var answer struct{}
	err = c.do(ctx, what, func() *rest.Request {
		return c.rest.Delete().Namespace(what.namespace).Resource(secretsResource).Name(what.name).Body(body)
	}, &answer)
	if errors.Is(err, errMissing) {
		return nil
	}
	return err
}
