package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
)

// savedKind marks a file as a saved plan.
const savedKind = "credsync saved plan"

// Saved is a plan in a file. It holds no secret: of the state it has versions,
// of the credentials fingerprints whose key is in the state.
type Saved struct {
	Kind          string `json:"kind"`
	FormatVersion string `json:"format_version"`
	// CreatedAt is when the plan was made.
	CreatedAt time.Time `json:"created_at"`
	// Path is that of the configuration, as it was given to the plan command.
	Path string `json:"path"`
	// ConfigDigest is that of the configuration; see config.Config.Digest.
	ConfigDigest string `json:"config_digest"`
	// ConfigDigests are those of its parts; see config.Config.Digests.
	ConfigDigests map[string]string `json:"config_digests"`

	Targets []string `json:"targets"`
	Replace []string `json:"replace"`
	Offline bool     `json:"offline"`
	// Guards are by account, in the order of the plan.
	Guards []Guard       `json:"guards"`
	Plan   plan.Document `json:"plan"`
}

// Guard is what must be unchanged for an account's plan to be still good.
type Guard struct {
	Address string `json:"address"`
	// StateVersion is the version of the state record, "" where there is none.
	StateVersion string `json:"state_version"`
	// MovedFrom is whose record the account continues with, MovedVersion the version
	// of that; "" where nothing is to be moved.
	MovedFrom    string `json:"moved_from"`
	MovedVersion string `json:"moved_version"`
	// Fingerprint is of the credentials, under the record's key; "" where
	// there is no record.
	Fingerprint string `json:"fingerprint"`
}

// Save writes the plan for a later apply.
func (e *Engine) Save(w io.Writer, p *Plan) error {
	s := Saved{
		Kind: savedKind, FormatVersion: plan.FormatVersion, CreatedAt: p.CreatedAt.UTC(), Path: e.Path,
		ConfigDigest: e.Config.Digest, ConfigDigests: e.Config.Digests,
		Targets: p.Request.Targets, Replace: p.Request.Replace, Offline: p.Request.Offline,
		Plan: Document(p),
	}
	for _, ap := range p.Accounts {
		s.Guards = append(s.Guards, ap.guard())
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(s); err != nil {
		return fmt.Errorf("could not write the plan: %w", err)
	}
	return nil
}

func (p *AccountPlan) guard() Guard {
	g := Guard{Address: p.Address, StateVersion: p.seen.version}
	if m := p.seen.moving; m != nil {
		g.MovedFrom, g.MovedVersion = m.from.project+"/"+m.from.address, m.version
	}
	if p.seen.known {
		g.Fingerprint = p.seen.fingerprints.shape
	}
	return g
}

// IsSaved reports whether a file's content is a saved plan.
func IsSaved(content []byte) bool {
	var head struct {
		Kind string `json:"kind"`
	}
	return json.Unmarshal(content, &head) == nil && head.Kind == savedKind
}

// LoadSaved reads what Save wrote.
func LoadSaved(content []byte) (*Saved, error) {
	if !IsSaved(content) {
		return nil, errors.New("this is not a plan written by credsync plan --out")
	}
	var s Saved
	if err := json.Unmarshal(content, &s); err != nil {
		return nil, errors.New("the saved plan is damaged; create a new one with credsync plan --out")
	}
	if s.FormatVersion != plan.FormatVersion {
		return nil, fmt.Errorf("the saved plan has format %s, but this version of credsync reads %s; create a new one with credsync plan --out", s.FormatVersion, plan.FormatVersion)
	}
	return &s, nil
}

// PlanSaved plans again what a saved plan covers, and compares. Where the
// configuration or the state has changed since, or more than was planned is
// now to be done, the diagnostics say so, and nothing must be applied.
func (e *Engine) PlanSaved(ctx context.Context, s *Saved) *Plan {
	if s.ConfigDigest != e.Config.Digest {
		return &Plan{Project: e.Config.Project, CreatedAt: e.Now(), Diagnostics: diag.List{
			stale(changedParts(s.ConfigDigests, e.Config.Digests)),
		}}
	}
	p := e.Plan(ctx, Request{Targets: s.Targets, Replace: s.Replace, Offline: s.Offline})
	if p.Diagnostics.HasErrors() {
		return p
	}
	saved := make(map[string]int, len(s.Guards))
	for i, g := range s.Guards {
		saved[g.Address] = i
	}
	for _, ap := range p.Accounts {
		i, ok := saved[ap.Address]
		if !ok || i >= len(s.Plan.Accounts) {
			p.Diagnostics = append(p.Diagnostics, stale(ap.Address+" is not in the plan"))
			continue
		}
		if reason := ap.staleness(s.Guards[i], s.Plan.Accounts[i]); reason != "" {
			p.Diagnostics = append(p.Diagnostics, stale(reason))
		}
	}
	return p
}

// changedParts names the files and variables that are not as they were.
func changedParts(saved, now map[string]string) string {
	var changes []string
	for _, name := range slices.Sorted(maps.Keys(now)) {
		switch was, there := saved[name]; {
		case !there:
			changes = append(changes, name+" was added")
		case was != now[name]:
			changes = append(changes, name+" has changed")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(saved)) {
		if _, there := now[name]; !there {
			changes = append(changes, name+" was removed")
		}
	}
	if len(changes) == 0 {
		return "the configuration or a variable has changed since"
	}
	return strings.Join(changes, ", and ") + " since"
}

// staleness says why an account's saved plan is no longer good; "" if it is.
func (p *AccountPlan) staleness(g Guard, saved plan.DocumentAccount) string {
	now := p.guard()
	switch {
	case now.StateVersion != g.StateVersion:
		return "the state of " + p.Address + " has changed since: another run has worked on it"
	case now.MovedFrom != g.MovedFrom, now.MovedVersion != g.MovedVersion:
		return "the record that " + p.Address + " continues with has changed since: another run has worked on it"
	case now.Fingerprint != g.Fingerprint:
		return "the credentials of " + p.Address + " have changed since"
	case p.Action != saved.Action && p.Action != plan.None && !lessThanDelete(saved.Action, p.Action):
		return fmt.Sprintf("the action planned for %s was %s, but it now needs %s (%s)", p.Address, saved.Action, p.Action, p.Reason)
	}
	return p.targetStaleness(saved)
}

// targetStaleness says which target is now to be written or removed that was not
// shown, or otherwise; "" for none. That less is to be done is no surprise.
func (p *AccountPlan) targetStaleness(saved plan.DocumentAccount) string {
	for _, t := range p.Targets {
		was := slices.IndexFunc(
			saved.Targets,
			func(s plan.DocumentTarget) bool { return s.Place == t.Place && s.Location == t.Location },
		)
		switch {
		case was < 0 && t.Action != plan.None && t.Action != plan.BlockedAction:
			return fmt.Sprintf("%s would now %s %s %s, which is not in the plan: a file, an environment variable or a sink that it depends on has changed", p.Address, t.Action, t.Sink, t.Location)
		case was >= 0 && t.Action != saved.Targets[was].Action && t.Action != plan.None &&
			t.Action != plan.BlockedAction && !lessThanDelete(saved.Targets[was].Action, t.Action):
			return fmt.Sprintf("%s was planned to %s %s %s, but would now %s it", p.Address, saved.Targets[was].Action, t.Sink, t.Location, t.Action)
		}
	}
	return ""
}

// lessThanDelete reports whether what was to be deleted is now only to be forgotten, as
// where somebody has changed it since.
func lessThanDelete(saved, now plan.Action) bool { return saved == plan.Delete && now == plan.Forget }

func stale(reason string) diag.Diagnostic {
	return diag.Errorf("Saved plan is stale", "The plan can no longer be applied, because %s. Create a new plan with credsync plan --out.", reason)
}
