package vault

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/credsync/credsync/sinks"
	"github.com/hashicorp/vault/api"
)

// capabilityNeed is what something takes at one path.
type capabilityNeed struct {
	path         string
	capabilities []string
	// why is for people who read the policy.
	why string
	// unclaimed needs fall away once the target is marked as someone's.
	unclaimed bool
}

// Preflight implements sinks.Preflighter. It asks for the capabilities of all
// paths in one request; only for a target that could not be claimed it looks
// whether that has been done before. A token that may not ask (it lacks the
// default policy) learns nothing.
func (s *Sink) Preflight(ctx context.Context, targets []sinks.Target) error {
	if len(targets) == 0 {
		return nil
	}
	e, err := s.kvEngine(ctx, "check the permissions for", targets[0])
	if err != nil {
		return err
	}
	var paths []string
	for _, t := range targets {
		for _, n := range needsOf(e, t) {
			if !slices.Contains(paths, n.path) {
				paths = append(paths, n.path)
			}
		}
	}
	have, err := s.capabilities(ctx, paths)
	if isForbidden(err) {
		s.env.Log.Warn("The Vault token may not ask what it may do, so a missing permission will only show when a token is written; add the default policy to it")
		return nil
	}
	if err != nil {
		return err
	}
	var stanzas []string
	for _, t := range targets {
		missing, err := s.missing(ctx, t, needsOf(e, t), have)
		if err != nil {
			return err
		}
		stanzas = append(stanzas, missing...)
	}
	if len(stanzas) == 0 {
		return nil
	}
	return fmt.Errorf("write in Vault at %s: %w: the token's policy lacks\n%s", s.client.Address(), sinks.ErrDenied, strings.Join(stanzas, "\n"))
}

// needsOf are the needs of a target, or of a record of the state.
func needsOf(e kvEngine, t sinks.Target) []capabilityNeed {
	if !isState(t) {
		return e.needsToDeliver(t)
	}
	all := t
	all.Path = path.Dir(t.Path)
	return e.needsToKeepState(all, t)
}

// capabilities asks what the token may do at each path.
func (s *Sink) capabilities(ctx context.Context, paths []string) (map[string][]string, error) {
	answer, err := s.write(ctx, request{op: "check the permissions", path: "sys/capabilities-self", capabilities: []string{"update"}}, map[string]any{"paths": paths})
	if err != nil {
		return nil, err
	}
	have := make(map[string][]string, len(paths))
	for _, path := range paths {
		have[path] = capabilitiesIn(answer, path)
	}
	return have, nil
}

func capabilitiesIn(answer *api.Secret, path string) (out []string) {
	if answer == nil {
		return nil
	}
	list, _ := answer.Data[path].([]any)
	for _, v := range list {
		if c, ok := v.(string); ok {
			out = append(out, c)
		}
	}
	return out
}

// missing lists, as policy, what a target lacks.
func (s *Sink) missing(
	ctx context.Context, t sinks.Target, needs []capabilityNeed, have map[string][]string,
) ([]string, error) {
	var stanzas []string
	for _, n := range needs {
		var lacks []string
		for _, c := range n.capabilities {
			if !slices.Contains(have[n.path], c) && !slices.Contains(have[n.path], "root") {
				lacks = append(lacks, c)
			}
		}
		if len(lacks) == 0 {
			continue
		}
		if n.unclaimed {
			info, err := s.Stat(ctx, t)
			if err != nil && !isForbidden(err) {
				return nil, err
			}
			if err == nil && info.Owner != "" {
				continue
			}
		}
		stanzas = append(stanzas, policyRule(n.path, lacks))
	}
	return stanzas, nil
}
