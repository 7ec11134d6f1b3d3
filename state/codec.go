package state

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/sinks"
)

// formatVersion is written into every record. A record of a higher one is
// refused: a newer credsync may have put something there that must not be lost.
// docs/state.md describes the format.
const formatVersion = 1

// The kinds of record that cannot be used.
var (
	// ErrCorrupt means that a record is there and cannot be understood.
	ErrCorrupt = errors.New("state record is corrupt")
	// ErrTooNew means that a newer credsync wrote it.
	ErrTooNew = errors.New("state record was written by a newer credsync")
)

type wireRecord struct {
	FormatVersion  int                  `json:"format_version"`
	Address        string               `json:"address"`
	Provider       string               `json:"provider"`
	Project        string               `json:"project"`
	Key            []byte               `json:"key"`
	FirstSeenAt    *time.Time           `json:"first_seen_at,omitempty"`
	Lease          *wireLease           `json:"lease,omitempty"`
	Current        *wireGrant           `json:"current,omitempty"`
	Pending        *wireGrant           `json:"pending,omitempty"`
	RefreshAsked   *wireRefreshIntent   `json:"refresh_asked,omitempty"`
	Block          *wireBlock           `json:"block,omitempty"`
	Rejections     []wireRejection      `json:"rejections,omitempty"`
	SecretRefusals []wireSecretRefusals `json:"secret_refusals,omitempty"`
	SpentLogins    []wireSpentLogin     `json:"spent_logins,omitempty"`
	Challenge      *wireChallenge       `json:"challenge,omitempty"`
	Targets        []wireTarget         `json:"targets,omitempty"`
	DeleteOnRemove bool                 `json:"delete_on_remove,omitempty"`
	Revocation     *wireRevocation      `json:"revocation,omitempty"`
	Moved          []string             `json:"moved,omitempty"`
	Parked         json.RawMessage      `json:"parked,omitempty"`
	Failures       int                  `json:"failures,omitempty"`
	LastFailure    *wireFailure         `json:"last_failure,omitempty"`
	Notices        []wireNotice         `json:"notices,omitempty"`
}

type wireLease struct {
	Holder    string    `json:"holder"`
	ExpiresAt time.Time `json:"expires_at"`
}

type wireGrant struct {
	ID               string         `json:"id"`
	Replaced         []string       `json:"replaced,omitempty"`
	Access           string         `json:"access_token"`
	Refresh          string         `json:"refresh_token,omitempty"`
	IssuedAt         time.Time      `json:"issued_at"`
	ExpiresAt        *time.Time     `json:"expires_at,omitempty"`
	RefreshableUntil *time.Time     `json:"refreshable_until,omitempty"`
	Outputs          map[string]any `json:"outputs,omitempty"`
	Answers          string         `json:"answers,omitempty"`
	LoginPrint       string         `json:"login_fingerprint"`
	ShapePrint       string         `json:"shape_fingerprint"`
	Description      string         `json:"description_digest,omitempty"`
	ConfigChanges    int            `json:"config_changes,omitempty"`
	VerifiedAt       *time.Time     `json:"verified_at,omitempty"`
	Rejected         bool           `json:"rejected,omitempty"`
	RefreshRefused   bool           `json:"refresh_refused,omitempty"`
}

type wireBlock struct {
	Reason     string    `json:"reason"`
	Message    string    `json:"message"`
	Since      time.Time `json:"since"`
	LoginPrint string    `json:"login_fingerprint"`
	ShapePrint string    `json:"shape_fingerprint"`
	AtRefresh  bool      `json:"at_refresh,omitempty"`
}

type wireRejection struct {
	LoginPrint string    `json:"login_fingerprint"`
	Reason     string    `json:"reason,omitempty"`
	At         time.Time `json:"at"`
	Key        []byte    `json:"key,omitempty"`
	Count      int       `json:"count,omitempty"`
	Enough     int       `json:"enough,omitempty"`
	AtRefresh  bool      `json:"at_refresh,omitempty"`
}

type wireRefreshIntent struct {
	GrantID string    `json:"grant_id"`
	At      time.Time `json:"at"`
	Last    bool      `json:"last,omitempty"`
}

type wireSecretRefusals struct {
	SecretPrint string      `json:"secret_fingerprint"`
	At          []time.Time `json:"at"`
	Key         []byte      `json:"key,omitempty"`
}

type wireSpentLogin struct {
	LoginPrint string `json:"login_fingerprint"`
	Key        []byte `json:"key,omitempty"`
}

type wireChallenge struct {
	ID         string    `json:"id,omitempty"`
	SentAt     time.Time `json:"sent_at"`
	LoginPrint string    `json:"login_fingerprint"`
}

type wireRevocation struct {
	Attributes json.RawMessage `json:"attributes,omitempty"`
	HTTP       json.RawMessage `json:"http,omitempty"`
}

// rawSecret is a secret that is JSON already.
func rawSecret(s credential.Secret) json.RawMessage {
	if s.IsZero() {
		return nil
	}
	return json.RawMessage(s.Reveal())
}

type wireFailure struct {
	At      time.Time `json:"at"`
	Message string    `json:"message"`
}

type wireNotice struct {
	Notify  string    `json:"notify"`
	Topic   string    `json:"topic"`
	Event   string    `json:"event"`
	Subject string    `json:"subject,omitempty"`
	At      time.Time `json:"at"`
	Sent    bool      `json:"sent,omitempty"`
	Project string    `json:"project,omitempty"`
	Address string    `json:"address,omitempty"`
}

type wireTarget struct {
	Place       sinks.Place     `json:"place"`
	Sink        string          `json:"sink"`
	Location    string          `json:"location"`
	Options     json.RawMessage `json:"options,omitempty"`
	Merge       bool            `json:"merge,omitempty"`
	Keys        []string        `json:"keys,omitempty"`
	LaterKeys   []string        `json:"later_keys,omitempty"`
	GrantID     string          `json:"grant_id,omitempty"`
	Digest      string          `json:"digest,omitempty"`
	Version     string          `json:"version,omitempty"`
	DeliveredAt *time.Time      `json:"delivered_at,omitempty"`
	RestartedID string          `json:"restarted_id,omitempty"`
}

// Encode returns the record as JSON. The JSON is a secret.
func Encode(r *Record) (credential.Secret, error) {
	w := wireRecord{
		FormatVersion: formatVersion,
		Address:       r.Address, Provider: r.Provider, Project: r.Project,
		Key: r.Key, FirstSeenAt: optional(r.FirstSeenAt), DeleteOnRemove: r.DeleteOnRemove, Failures: r.Failures,
		Moved: r.Moved,
	}
	if v := r.Revocation; v != nil {
		w.Revocation = &wireRevocation{rawSecret(v.Attributes), rawSecret(v.HTTP)}
	}
	if r.Parked != nil {
		parked, err := Encode(r.Parked)
		if err != nil {
			return credential.Secret{}, err
		}
		w.Parked = json.RawMessage(parked.Reveal())
	}
	if f := r.LastFailure; f != nil {
		w.LastFailure = &wireFailure{f.At.UTC(), f.Message}
	}
	for _, n := range r.Notices {
		n.At = n.At.UTC()
		w.Notices = append(w.Notices, wireNotice(n))
	}
	if r.Lease != nil {
		w.Lease = &wireLease{Holder: r.Lease.Holder, ExpiresAt: r.Lease.ExpiresAt.UTC()}
	}
	var err error
	if w.Current, err = encodeGrant(r.Current); err != nil {
		return credential.Secret{}, err
	}
	if w.Pending, err = encodeGrant(r.Pending); err != nil {
		return credential.Secret{}, err
	}
	if i := r.RefreshAsked; i != nil {
		w.RefreshAsked = &wireRefreshIntent{i.GrantID, i.At.UTC(), i.Last}
	}
	if b := r.Block; b != nil {
		w.Block = &wireBlock{string(b.Reason), b.Message, b.Since.UTC(), b.LoginPrint, b.ShapePrint, b.AtRefresh}
	}
	for _, j := range r.Rejections {
		w.Rejections = append(w.Rejections, wireRejection{
			LoginPrint: j.LoginPrint, Reason: string(j.Reason), At: j.At.UTC(), Key: j.Key, Count: j.Count,
			Enough: j.Enough, AtRefresh: j.AtRefresh,
		})
	}
	for _, s := range r.SecretRefusals {
		times := make([]time.Time, len(s.At))
		for i, at := range s.At {
			times[i] = at.UTC()
		}
		w.SecretRefusals = append(w.SecretRefusals, wireSecretRefusals{s.SecretPrint, times, s.Key})
	}
	for _, s := range r.SpentLogins {
		w.SpentLogins = append(w.SpentLogins, wireSpentLogin(s))
	}
	if c := r.Challenge; c != nil {
		w.Challenge = &wireChallenge{c.ID.Reveal(), c.SentAt.UTC(), c.LoginPrint}
	}
	for _, t := range r.Targets {
		w.Targets = append(
			w.Targets,
			wireTarget{
				t.Place,
				t.Sink,
				t.Location,
				t.Options,
				t.Merge,
				t.Keys,
				t.LaterKeys,
				t.GrantID,
				t.Digest,
				t.Version,
				optional(t.DeliveredAt),
				t.RestartedID,
			},
		)
	}
	b, err := json.Marshal(w)
	if err != nil {
		return credential.Secret{}, errors.New("encode a state record: a value cannot be written as JSON")
	}
	return credential.NewSecret(string(b)), nil
}

// Decode reads what Encode wrote. Its errors are ErrCorrupt or ErrTooNew, with
// more text; none quotes the record.
func Decode(s credential.Secret) (*Record, error) {
	b := []byte(s.Reveal())
	var w wireRecord
	// The errors of encoding/json can quote their input, which is secret here.
	if json.Unmarshal(b, &w) != nil || w.FormatVersion != formatVersion {
		return nil, whyUndecoded(b)
	}
	return decodeRecord(&w)
}

// whyUndecoded tells a record of another format, whose fields may be anything,
// from a corrupt one.
func whyUndecoded(b []byte) error {
	var version struct {
		FormatVersion *int `json:"format_version"`
	}
	if json.Unmarshal(b, &version) != nil || version.FormatVersion == nil || *version.FormatVersion < 1 {
		return fmt.Errorf("%w: it is not JSON with a format_version", ErrCorrupt)
	}
	if *version.FormatVersion > formatVersion {
		return fmt.Errorf("%w: it has format %d, but this version reads formats up to %d; upgrade credsync", ErrTooNew, *version.FormatVersion, formatVersion)
	}
	return fmt.Errorf("%w: a field has the wrong type", ErrCorrupt)
}

func decodeRecord(w *wireRecord) (*Record, error) {
	if w.Address == "" || w.Provider == "" || len(w.Key) == 0 {
		return nil, fmt.Errorf("%w: address, provider or key is missing", ErrCorrupt)
	}
	r := &Record{
		Address: w.Address, Provider: w.Provider, Project: w.Project,
		Key: w.Key, FirstSeenAt: required(w.FirstSeenAt), DeleteOnRemove: w.DeleteOnRemove, Failures: w.Failures,
		Moved: w.Moved,
	}
	if v := w.Revocation; v != nil {
		r.Revocation = &Revocation{credential.NewSecret(string(v.Attributes)), credential.NewSecret(string(v.HTTP))}
	}
	if len(w.Parked) > 0 {
		parked, err := Decode(credential.NewSecret(string(w.Parked)))
		if err != nil {
			return nil, err
		}
		r.Parked = parked
	}
	if f := w.LastFailure; f != nil {
		r.LastFailure = &LastFailure{f.At, f.Message}
	}
	for _, n := range w.Notices {
		r.Notices = append(r.Notices, Notice(n))
	}
	if w.Lease != nil {
		r.Lease = &Lease{Holder: w.Lease.Holder, ExpiresAt: w.Lease.ExpiresAt}
	}
	var err error
	if r.Current, err = decodeGrant(w.Current); err != nil {
		return nil, err
	}
	if r.Pending, err = decodeGrant(w.Pending); err != nil {
		return nil, err
	}
	if i := w.RefreshAsked; i != nil {
		r.RefreshAsked = &RefreshIntent{i.GrantID, i.At, i.Last}
	}
	if b := w.Block; b != nil {
		r.Block = &Block{failure.Reason(b.Reason), b.Message, b.Since, b.LoginPrint, b.ShapePrint, b.AtRefresh}
	}
	for _, j := range w.Rejections {
		// Records of earlier versions name no reason: they had this one only.
		reason := cmp.Or(failure.Reason(j.Reason), failure.CredentialsRejected)
		r.Rejections = append(r.Rejections, Rejection{
			LoginPrint: j.LoginPrint, Reason: reason, At: j.At, Key: j.Key, Count: j.Count, Enough: j.Enough,
			AtRefresh: j.AtRefresh,
		})
	}
	for _, s := range w.SecretRefusals {
		r.SecretRefusals = append(r.SecretRefusals, SecretRefusals(s))
	}
	for _, s := range w.SpentLogins {
		r.SpentLogins = append(r.SpentLogins, SpentLogin(s))
	}
	if c := w.Challenge; c != nil {
		r.Challenge = &Challenge{credential.Challenge{ID: credential.NewSecret(c.ID), SentAt: c.SentAt}, c.LoginPrint}
	}
	for _, t := range w.Targets {
		r.Targets = append(
			r.Targets,
			Target{
				t.Place,
				t.Sink,
				t.Location,
				t.Options,
				t.Merge,
				t.Keys,
				t.LaterKeys,
				t.GrantID,
				t.Digest,
				t.Version,
				required(t.DeliveredAt),
				t.RestartedID,
			},
		)
	}
	return r, nil
}

func encodeGrant(g *Grant) (*wireGrant, error) {
	if g == nil {
		return nil, nil
	}
	outputs, err := encodeOutputs(g.Token.Outputs)
	if err != nil {
		return nil, err
	}
	return &wireGrant{
		ID: g.ID, Replaced: g.Replaced,
		Access: g.Token.Access.Reveal(), Refresh: g.Token.Refresh.Reveal(),
		IssuedAt: g.Token.IssuedAt.UTC(), ExpiresAt: optional(g.Token.ExpiresAt),
		RefreshableUntil: optional(g.Token.RefreshableUntil), Outputs: outputs,
		Answers:    g.Token.Answers.Reveal(),
		LoginPrint: g.LoginPrint, ShapePrint: g.ShapePrint, Description: g.Description,
		ConfigChanges: g.ConfigChanges, VerifiedAt: optional(g.VerifiedAt), Rejected: g.Rejected,
		RefreshRefused: g.RefreshRefused,
	}, nil
}

func decodeGrant(w *wireGrant) (*Grant, error) {
	if w == nil {
		return nil, nil
	}
	if w.ID == "" || w.Access == "" {
		return nil, fmt.Errorf("%w: a token in it has no id or no value", ErrCorrupt)
	}
	outputs, err := decodeOutputs(w.Outputs)
	if err != nil {
		return nil, err
	}
	return &Grant{
		ID: w.ID, Replaced: w.Replaced,
		Token: credential.Token{
			Access: credential.NewSecret(w.Access), Refresh: credential.NewSecret(w.Refresh),
			IssuedAt: w.IssuedAt, ExpiresAt: required(w.ExpiresAt),
			RefreshableUntil: required(w.RefreshableUntil), Outputs: outputs, Answers: credential.NewSecret(w.Answers),
		},
		LoginPrint: w.LoginPrint, ShapePrint: w.ShapePrint, Description: w.Description,
		ConfigChanges: w.ConfigChanges, VerifiedAt: required(w.VerifiedAt), Rejected: w.Rejected,
		RefreshRefused: w.RefreshRefused,
	}, nil
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func required(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
