package k8ssecret

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// conflictTries bounds how often a request is tried again that met a change
// which is no conflict for credsync: somebody's label.
const conflictTries = 5

// Write implements sinks.Sink. The owner is marked in the same request as the
// data.
func (s *Sink) Write(ctx context.Context, t sinks.Target, w sinks.Write) (string, error) {
	if err := checkData(t, w.Data); err != nil {
		return "", err
	}
	written, err := s.write(ctx, t, w)
	if errors.Is(err, sinks.ErrConflict) && errors.Is(err, errRepeated) {
		written, err = s.writtenBefore(ctx, t, w, err)
	}
	if err != nil {
		return "", err
	}
	return version(t, written), nil
}

// write tries again while the resourceVersion moves on but the version does
// not.
func (s *Sink) write(ctx context.Context, t sinks.Target, w sinks.Write) (written *corev1.Secret, err error) {
	wanted := desired(t, w)
	switch {
	case w.If == "":
		return s.client.create(ctx, t, "create", wanted, w.Data, false)
	case isState(t):
		return s.replaceRecord(ctx, t, w, wanted)
	}
	for range conflictTries {
		var live *corev1.Secret
		live, err = s.client.get(ctx, "write", t)
		if err != nil {
			return nil, err
		}
		if live == nil || version(t, live) != w.If {
			return nil, fmt.Errorf("write %s in Kubernetes at %s: %w", t.Location, s.client.address, sinks.ErrConflict)
		}
		if err := s.writable(t, live); err != nil {
			return nil, err
		}
		if err := s.agreed(t, w, live, wanted); err != nil {
			return nil, err
		}
		written, err = s.update(ctx, t, w, live, wanted)
		if !errors.Is(err, sinks.ErrConflict) || errors.Is(err, errRepeated) {
			break
		}
	}
	return written, err
}

// replaceRecord writes a state record in one request, since what it has to keep
// may exist nowhere else yet. Its version is the resourceVersion, so there is
// nothing to look at first.
func (s *Sink) replaceRecord(
	ctx context.Context,
	t sinks.Target,
	w sinks.Write,
	wanted *corev1.Secret,
) (*corev1.Secret, error) {
	seen := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{ResourceVersion: w.If}}
	p := mergeOf(seen, wanted)
	if t.Merge {
		for _, key := range w.Drop {
			p.Data[key] = nil
		}
	}
	written, err := s.client.patch(ctx, "write", t, types.MergePatchType, p, w.Data, false)
	if err != nil {
		return nil, err
	}
	if err := s.writable(t, written); err != nil {
		return nil, err
	}
	if rest := leftovers(written, wanted); !t.Merge && !rest.empty() {
		return s.client.patch(ctx, "write", t, types.MergePatchType, rest, w.Data, false)
	}
	return written, nil
}

// writable refuses a Secret that no write can change, or not into what it
// should be.
func (s *Sink) writable(t sinks.Target, live *corev1.Secret) error {
	wanted := typeOf(t)
	switch {
	case wanted != "" && wanted != live.Type:
		return fmt.Errorf("write %s in Kubernetes at %s: its type is %q, which Kubernetes does not let anyone change: set type in the deliver block to that type, or delete the Secret, and credsync creates it again as %q",
			t.Location, s.client.address, live.Type, wanted)
	case live.DeletionTimestamp != nil:
		return fmt.Errorf("write %s in Kubernetes at %s: %w: it is being deleted and waits for the finalizers %q", t.Location, s.client.address, sinks.ErrUnavailable, live.Finalizers)
	case live.Immutable != nil && *live.Immutable:
		return fmt.Errorf("write %s in Kubernetes at %s: it is marked immutable, which Kubernetes does not let anyone change: delete it (\"kubectl delete secret -n %s %s\"), and credsync creates it again, or deliver under another name",
			t.Location, s.client.address, live.Namespace, live.Name)
	}
	return nil
}

// agreed refuses a change that another manager would undo.
func (s *Sink) agreed(t sinks.Target, w sinks.Write, live, wanted *corev1.Secret) error {
	if by := contested(live, wanted); by != "" && !w.Adopt {
		return fmt.Errorf("write %s in Kubernetes at %s: %s: remove those fields there, or set adopt = true in the deliver block to take them over", t.Location, s.client.address, by)
	}
	return nil
}

// update changes a Secret that was seen as live. What others have in one that
// is merged into stays, other accounts' keys included, which server-side apply
// would take for keys that this field manager no longer wants.
func (s *Sink) update(
	ctx context.Context,
	t sinks.Target,
	w sinks.Write,
	live, wanted *corev1.Secret,
) (*corev1.Secret, error) {
	if t.Merge {
		p := mergeOf(live, wanted)
		p.drop(live, w.Drop)
		return s.client.patch(ctx, "write", t, types.MergePatchType, p, w.Data, false)
	}
	wanted.UID, wanted.ResourceVersion = live.UID, live.ResourceVersion
	applied, err := s.client.patch(ctx, "write", t, types.ApplyPatchType, wanted, w.Data, false)
	if err != nil {
		return nil, err
	}
	rest := leftovers(applied, wanted)
	if rest.empty() {
		return applied, nil
	}
	return s.client.patch(ctx, "write", t, types.MergePatchType, rest, w.Data, false)
}

func (s *Sink) removeKeys(ctx context.Context, t sinks.Target, live *corev1.Secret, keys []string) error {
	if err := s.writable(t, live); err != nil {
		return err
	}
	p := newMergePatch(live)
	p.drop(live, keys)
	if p.empty() {
		return nil
	}
	_, err := s.client.patch(ctx, "delete from", t, types.MergePatchType, p, nil, false)
	return err
}

// writtenBefore looks whether a conflict is with ourselves: the answer to the
// first attempt was lost, and the second found the Secret changed by it.
func (s *Sink) writtenBefore(
	ctx context.Context,
	t sinks.Target,
	w sinks.Write,
	conflict error,
) (*corev1.Secret, error) {
	live, err := s.client.get(ctx, "write", t)
	if err != nil || live == nil {
		return nil, conflict
	}
	wanted := desired(t, w)
	if !includes(asTexts(live.Data), asTexts(wanted.Data)) || !includes(live.Labels, wanted.Labels) ||
		!includes(live.Annotations, wanted.Annotations) ||
		!t.Merge && !leftovers(live, wanted).empty() {
		return nil, conflict
	}
	for _, key := range w.Drop {
		if _, ok := live.Data[key]; ok {
			return nil, conflict
		}
	}
	return live, nil
}

func includes(all, part map[string]string) bool {
	for key, value := range part {
		if got, ok := all[key]; !ok || got != value {
			return false
		}
	}
	return true
}

// desired is the Secret as it should be, as far as it is credsync's business.
// This is where the data leaves the program.
func desired(t sinks.Target, w sinks.Write) *corev1.Secret {
	namespace, name := place(t)
	s := &corev1.Secret{
		TypeMeta: metav1.TypeMeta{Kind: "Secret", APIVersion: "v1"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name, Labels: texts(t.Options, "labels"), Annotations: texts(t.Options, "annotations"),
		},
		Type: typeOf(t), Data: reveal(w.Data),
	}
	switch {
	case isState(t):
		s.Labels = map[string]string{managedByLabel: manager, stateLabel: stateMark(t.Options.String("name"))}
	case !t.Merge:
		s.Labels = with(s.Labels, managedByLabel, manager)
		s.Annotations = with(s.Annotations, ownerAnnotation, w.Owner)
		s.Annotations = with(s.Annotations, expiresAtAnnotation, timestamp(w.ExpiresAt))
		s.Annotations = with(s.Annotations, rotatedAtAnnotation, timestamp(w.RotatedAt))
	}
	return s
}

// typeOf is the type that a Secret is to have; "" leaves it to the API server,
// or as it is.
func typeOf(t sinks.Target) corev1.SecretType {
	if isState(t) {
		return stateType
	}
	return typeIn(t.Options)
}

// typeIn is the type that a deliver block names; "" for none.
func typeIn(v schema.Values) corev1.SecretType {
	if v.Block() == nil || !v.Has("type") {
		return ""
	}
	return corev1.SecretType(v.String("type"))
}

func reveal(data map[string]credential.Secret) map[string][]byte {
	out := make(map[string][]byte, len(data))
	for key, value := range data {
		// Never nil, which would be sent as null and taken for no key at all.
		out[key] = bytes.NewBufferString(value.Reveal()).Bytes()
	}
	return out
}

func with(m map[string]string, key, value string) map[string]string {
	if value == "" {
		return m
	}
	if m == nil {
		m = map[string]string{}
	}
	m[key] = value
	return m
}

func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// mergePatch is a JSON merge patch (RFC 7386): null removes a key. It holds
// only at the resourceVersion that it names.
type mergePatch struct {
	Metadata struct {
		ResourceVersion string             `json:"resourceVersion"`
		Labels          map[string]*string `json:"labels,omitempty"`
		Annotations     map[string]*string `json:"annotations,omitempty"`
	} `json:"metadata"`
	Data map[string]*[]byte `json:"data,omitempty"`
}

func newMergePatch(live *corev1.Secret) *mergePatch {
	p := &mergePatch{Data: map[string]*[]byte{}}
	p.Metadata.ResourceVersion = live.ResourceVersion
	p.Metadata.Labels, p.Metadata.Annotations = map[string]*string{}, map[string]*string{}
	return p
}

func (p *mergePatch) empty() bool {
	return len(p.Data) == 0 && len(p.Metadata.Labels) == 0 && len(p.Metadata.Annotations) == 0
}

// drop removes keys of the data, as far as they are there.
func (p *mergePatch) drop(live *corev1.Secret, keys []string) {
	for _, key := range keys {
		if _, ok := live.Data[key]; ok {
			p.Data[key] = nil
		}
	}
}

// mergeOf is the patch that sets what is wanted and leaves the rest.
func mergeOf(live, wanted *corev1.Secret) *mergePatch {
	p := newMergePatch(live)
	for key, value := range wanted.Data {
		p.Data[key] = &value
	}
	for key, value := range wanted.Labels {
		p.Metadata.Labels[key] = &value
	}
	for key, value := range wanted.Annotations {
		p.Metadata.Annotations[key] = &value
	}
	return p
}
