package k8ssecret

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/sinks"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// preflightLimit is how many targets are looked at together.
const preflightLimit = 8

// Preflight implements sinks.Preflighter, by a dry run of each write: the API server
// checks the permissions, the namespace, the Secret's type and keys, and asks the
// cluster's policies, and then writes nothing. What restarts is tried likewise. A
// quota is not looked at by a dry run.
func (s *Sink) Preflight(ctx context.Context, trials []sinks.Trial) []error {
	var work errgroup.Group
	work.SetLimit(preflightLimit)
	errs := make([]error, len(trials))
	for i, trial := range trials {
		work.Go(func() error {
			errs[i] = s.preflight(ctx, trial)
			return nil
		})
	}
	_ = work.Wait()
	return errs
}

// preflight says why one target could not be written, or what reads it restarted.
func (s *Sink) preflight(ctx context.Context, trial sinks.Trial) error {
	errs := []error{s.tryWrite(ctx, trial)}
	if errors.Is(errs[0], errNoNamespace) {
		return errs[0] // Nothing else is there either.
	}
	restarts := slices.Sorted(slices.Values(trial.Target.Restarts))
	for _, w := range slices.Compact(restarts) {
		err := s.client.restart(ctx, trial.Target, w, s.env.Now(), true)
		errs = append(errs, s.unlessUntried(err))
	}
	return sinks.Together(errs...)
}

// tryWrite tries a write without effect.
func (s *Sink) tryWrite(ctx context.Context, trial sinks.Trial) error {
	var live *corev1.Secret
	var err error
	if !trial.Absent {
		if live, err = s.client.get(ctx, "write", trial.Target); err != nil {
			return err
		}
	}
	if live == nil {
		err = s.tryCreate(ctx, trial)
	} else {
		err = s.tryUpdate(ctx, trial, live)
	}
	switch {
	case errors.Is(err, sinks.ErrConflict) && trial.Absent:
		// It has come into being since.
		trial.Absent = false
		return s.tryWrite(ctx, trial)
	case errors.Is(err, sinks.ErrConflict):
		// Somebody has just written it, and so may we, as far as is known.
		return nil
	case errors.Is(err, errInvalid) && trial.Keys == nil:
		return nil // A key may be missing that the write has.
	}
	return s.unlessUntried(err)
}

// trialWrite is a write with data that stand for the ones to come.
func (s *Sink) trialWrite(trial sinks.Trial, live *corev1.Secret) (sinks.Write, error) {
	now := s.env.Now()
	w := sinks.Write{
		Data:      standIns(trial, live),
		Owner:     trial.Owner,
		Adopt:     trial.Adopt,
		ExpiresAt: now,
		RotatedAt: now,
	}
	return w, checkData(trial.Target, w.Data)
}

func (s *Sink) tryCreate(ctx context.Context, trial sinks.Trial) error {
	w, err := s.trialWrite(trial, nil)
	if err == nil {
		_, err = s.client.create(ctx, trial.Target, "write", desired(trial.Target, w), w.Data, true)
	}
	return err
}

func (s *Sink) tryUpdate(ctx context.Context, trial sinks.Trial, live *corev1.Secret) error {
	t := trial.Target
	if err := s.writable(t, live); err != nil {
		return err
	}
	w, err := s.trialWrite(trial, live)
	if err != nil {
		return err
	}
	wanted := desired(t, w)
	if err := s.agreed(t, w, live, wanted); err != nil {
		return err
	}
	if t.Merge || isState(t) {
		_, err := s.client.patch(ctx, "write", t, types.MergePatchType, mergeOf(live, wanted), w.Data, true)
		return err
	}
	wanted.UID, wanted.ResourceVersion = live.UID, live.ResourceVersion
	_, err = s.client.patch(ctx, "write", t, types.ApplyPatchType, wanted, w.Data, true)
	return err
}

// unlessUntried leaves out the failure of a trial that says nothing of the write: a
// webhook that has not declared what a dry run needs to know of it.
func (s *Sink) unlessUntried(err error) error {
	if err == nil || !strings.Contains(err.Error(), "does not support dry run") {
		return err
	}
	s.env.Log.Warn("A webhook of the cluster does not support dry runs, so credsync finds out only when it writes a token whether the webhook rejects it", "error", err)
	return nil
}

// standIns are the data of a trial: what is there under the keys that there are, which
// policies have let through, and elsewhere what a Secret of its type may hold.
func standIns(trial sinks.Trial, live *corev1.Secret) map[string]credential.Secret {
	data := make(map[string]credential.Secret, len(trial.Keys))
	for _, key := range trial.Keys {
		value := "credsync-preflight"
		switch key {
		case corev1.DockerConfigJsonKey:
			value = `{"auths":{}}`
		case corev1.DockerConfigKey:
			value = "{}"
		}
		if live != nil && len(live.Data[key]) > 0 {
			value = string(live.Data[key])
		}
		data[key] = credential.NewSecret(value)
	}
	return data
}

// requiredKeys are the keys without which Kubernetes takes no Secret of a type; one of
// each list has to be there.
var requiredKeys = map[corev1.SecretType][][]string{
	corev1.SecretTypeTLS:              {{corev1.TLSCertKey}, {corev1.TLSPrivateKeyKey}},
	corev1.SecretTypeDockerConfigJson: {{corev1.DockerConfigJsonKey}},
	corev1.SecretTypeDockercfg:        {{corev1.DockerConfigKey}},
	corev1.SecretTypeBasicAuth:        {{corev1.BasicAuthUsernameKey, corev1.BasicAuthPasswordKey}},
	corev1.SecretTypeSSHAuth:          {{corev1.SSHAuthPrivateKey}},
}

// checkRequiredKeys refuses data that lacks a key which its type requires.
func checkRequiredKeys(kind corev1.SecretType, keys []string) error {
	for _, oneOf := range requiredKeys[kind] {
		if !slices.ContainsFunc(oneOf, func(k string) bool { return slices.Contains(keys, k) }) {
			return fmt.Errorf("a Secret of the type %q must have the key \"%s\", which is not in data: add it to data, or remove type", kind, strings.Join(oneOf, `" or "`))
		}
	}
	return nil
}
