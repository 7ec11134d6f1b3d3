package vault

import (
	"context"
	"path"
	"slices"

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
func (s *Sink) Preflight(ctx context.Context, trials []sinks.Trial) []error {
	errs := make([]error, len(trials))
	if len(trials) == 0 {
		return errs
	}
	all := func(err error) []error {
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	e, err := s.kvEngine(ctx, "check the permissions for", trials[0].Target)
	if err != nil {
		return all(err)
	}
	var paths []string
	for _, t := range trials {
		for _, n := range needsOf(e, t.Target) {
			if !slices.Contains(paths, n.path) {
				paths = append(paths, n.path)
			}
		}
	}
	have, err := s.capabilities(ctx, paths)
	if isForbidden(err) {
		s.env.Log.Warn("The Vault token may not query its own capabilities, so credsync finds a missing permission only when it writes a token; attach Vault's default policy to it")
		return errs
	}
	if err != nil {
		return all(err)
	}
	for i, t := range trials {
		missing, err := s.missing(ctx, t.Target, needsOf(e, t.Target), have)
		switch {
		case err != nil:
			errs[i] = err
		case len(missing) > 0:
			errs[i] = &sinks.Denial{
				Op: "write", Locations: []string{t.Target.Location}, Where: request{client: s.client}.where(),
				Needs: "the token's policy needs", Rules: missing,
			}
		}
	}
	return errs
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

// needsFor are all needs of what a target is: of a delivery, a record or a data block.
func needsFor(e kvEngine, t sinks.Target) []capabilityNeed {
	switch b := t.Options.Block(); {
	case isState(t):
		return needsOf(e, t)
	case b != nil && b.Type == "data":
		return e.needsToRead(t)
	}
	return append(e.needsToDeliver(t), e.needsToCompare(t)...)
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
