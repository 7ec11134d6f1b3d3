// Package audit writes the audit trail: one JSON object per line, appended to a
// file that several processes may share.
package audit

import (
	"encoding/json"
	"fmt"
	"time"
)

// formatVersion is in every line. Fields are only ever added under it.
const formatVersion = 1

// line is one line of the trail. Every field is always there, null where there
// is nothing to say. docs/audit.md describes them by Fields.
type line struct {
	// Type tells these lines from others in a stream that has both.
	Type          string  `json:"type"`
	FormatVersion int     `json:"format_version"`
	Time          string  `json:"time"`
	ID            string  `json:"id"`
	Project       string  `json:"project"`
	Holder        string  `json:"holder"`
	Address       string  `json:"address"`
	Provider      string  `json:"provider"`
	Action        string  `json:"action"`
	Outcome       string  `json:"outcome"`
	Class         *string `json:"class"`
	Reason        *string `json:"reason"`
	HTTPStatus    *int    `json:"http_status"`
	Host          *string `json:"host"`
	Token         *string `json:"token"`
	Sink          *string `json:"sink"`
	Location      *string `json:"location"`
	From          *string `json:"from"`
}

// encode writes an event as a line, with its end. JSON escapes line breaks, so
// that a line is always one.
func encode(ev Event) ([]byte, error) {
	b, err := json.Marshal(line{
		Type: "audit", FormatVersion: formatVersion,
		Time: ev.Time.UTC().Format(time.RFC3339Nano), ID: ev.ID,
		Project: ev.Project, Holder: ev.Holder, Address: ev.Address, Provider: ev.Provider,
		Action: string(ev.Action), Outcome: string(ev.Outcome),
		Class: orNull(string(ev.Class)), Reason: orNull(string(ev.Reason)), HTTPStatus: orNull(ev.Status),
		Host: orNull(
			ev.Host,
		), Token: orNull(ev.Token), Sink: orNull(ev.Sink), Location: orNull(ev.Location), From: orNull(ev.From),
	})
	if err != nil {
		return nil, fmt.Errorf("encode a line of the audit trail: %w", err)
	}
	return append(b, '\n'), nil
}

// orNull is nil for the zero value.
func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
