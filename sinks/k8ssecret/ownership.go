package k8ssecret

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The annotations by which Helm knows what is part of a release.
const (
	helmRelease          = "meta.helm.sh/release-name"
	helmReleaseNamespace = "meta.helm.sh/release-namespace"
)

// ownerOf is who owns a Secret: the account whose mark it has, or whoever else
// it says. One that is merged into is shared: then only credsync's mark counts.
func ownerOf(s *corev1.Secret, merge bool) string {
	by := s.Labels[managedByLabel]
	switch {
	case by == manager:
		return s.Annotations[ownerAnnotation]
	case merge:
		return ""
	}
	if c := metav1.GetControllerOf(s); c != nil {
		return c.Kind + " " + c.Name
	}
	if release := s.Annotations[helmRelease]; release != "" {
		return fmt.Sprintf("Helm release %s/%s", s.Annotations[helmReleaseNamespace], release)
	}
	return by
}

// fieldSet is the part of a managedFields entry that is about data, labels and
// annotations. The keys have the prefix "f:".
type fieldSet struct {
	Data map[string]json.RawMessage `json:"f:data"`
	// StringData is what was applied as plain text. It is stored as data, but
	// its owner is noted here.
	StringData map[string]json.RawMessage `json:"f:stringData"`
	Metadata   struct {
		Labels      map[string]json.RawMessage `json:"f:labels"`
		Annotations map[string]json.RawMessage `json:"f:annotations"`
	} `json:"f:metadata"`
}

// fieldsOf reads an entry. One that cannot be read owns nothing, as far as is
// known.
func fieldsOf(entry metav1.ManagedFieldsEntry) fieldSet {
	var f fieldSet
	if entry.FieldsV1 == nil || json.Unmarshal(entry.FieldsV1.GetRawBytes(), &f) != nil {
		return fieldSet{}
	}
	return f
}

// contested says which of the fields that are about to change another manager
// declares by server-side apply, and would put back; "" for none. What was
// edited otherwise, by hand or by a program that updates, is drift.
func contested(live, wanted *corev1.Secret) string {
	var list []string
	for _, entry := range live.ManagedFields {
		if entry.Manager == manager || entry.Operation != metav1.ManagedFieldsOperationApply {
			continue
		}
		theirs := fieldsOf(entry)
		var keys []string
		for _, owned := range []map[string]json.RawMessage{theirs.Data, theirs.StringData} {
			keys = append(keys, differing("data", owned, asTexts(live.Data), asTexts(wanted.Data))...)
		}
		keys = append(keys, differing("labels", theirs.Metadata.Labels, live.Labels, wanted.Labels)...)
		keys = append(keys, differing("annotations", theirs.Metadata.Annotations, live.Annotations, wanted.Annotations)...)
		if len(keys) > 0 {
			list = append(list, fmt.Sprintf("the field manager %q applies %s", entry.Manager, strings.Join(keys, ", ")))
		}
	}
	slices.Sort(list)
	return strings.Join(list, "; ")
}

func asTexts(data map[string][]byte) map[string]string {
	m := make(map[string]string, len(data))
	for key, value := range data {
		m[key] = string(value)
	}
	return m
}

// differing names the keys that someone owns and that are to be otherwise.
func differing(where string, owned map[string]json.RawMessage, live, wanted map[string]string) (keys []string) {
	for _, key := range slices.Sorted(maps.Keys(wanted)) {
		if _, theirs := owned["f:"+key]; theirs && live[key] != wanted[key] {
			keys = append(keys, where+"."+key)
		}
	}
	return keys
}

// leftovers are what a Secret has and should not: any other key of the data,
// and the labels and annotations that credsync set when it created the Secret.
// Server-side apply takes back only what it applied itself.
func leftovers(live, wanted *corev1.Secret) *mergePatch {
	p := newMergePatch(live)
	for key := range live.Data {
		if _, ok := wanted.Data[key]; !ok {
			p.Data[key] = nil
		}
	}
	for _, entry := range live.ManagedFields {
		if entry.Manager != manager || entry.Operation != metav1.ManagedFieldsOperationUpdate {
			continue
		}
		ours := fieldsOf(entry)
		takeBack(p.Metadata.Labels, ours.Metadata.Labels, live.Labels, wanted.Labels)
		takeBack(p.Metadata.Annotations, ours.Metadata.Annotations, live.Annotations, wanted.Annotations)
	}
	return p
}

func takeBack(patch map[string]*string, owned map[string]json.RawMessage, live, wanted map[string]string) {
	for key := range live {
		_, ours := owned["f:"+key]
		if _, ok := wanted[key]; ours && !ok {
			patch[key] = nil
		}
	}
}
