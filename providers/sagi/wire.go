package sagi

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/credsync/credsync/internal/upstream"
)

// Values of the envelope attribute.
const (
	envelopeAuto    = "auto"
	envelopeWrapped = "wrapped"
	envelopeBare    = "bare"
)

// loginRequest is the body of a login. It is made where it is sent and never
// kept: it holds the secrets in clear.
type loginRequest struct {
	Phone      string `json:"phone"`
	Password   string `json:"password"`
	LicenseKey string `json:"license_key,omitempty"`
}

// tokenAnswer is what a login and, without the lower half, a refresh answer.
type tokenAnswer struct {
	AccessToken upstream.Hidden `json:"access_token"`
	Expire      *string         `json:"expire"`

	Muted        *bool         `json:"muted"`
	Organization *organization `json:"organization"`
}

type organization struct {
	ID       upstream.ID   `json:"id"`
	Role     *string       `json:"role"`
	Branches []upstream.ID `json:"branches"`
	Details  []branch      `json:"branches_details"`
}

type branch struct {
	ID                 upstream.ID `json:"id"`
	Name               *string     `json:"name"`
	SubscriptionActive *bool       `json:"subscription_active"`
}

// branchAnswer is what the branch lookup answers.
type branchAnswer struct {
	ID      upstream.ID `json:"id"`
	GroupID upstream.ID `json:"group_id"`
	Name    *string     `json:"name"`
}

// envelope is what an answer may be wrapped in, and what an error is.
type envelope struct {
	Code    json.RawMessage `json:"code"`
	Message json.RawMessage `json:"message"`
	Data    json.RawMessage `json:"data"`
}

// status is the answer's HTTP status, or the one that the envelope puts in its
// place: some errors arrive as HTTP 200 with another code inside. 0 is a code
// that nobody documented.
func (e envelope) status(http int) int {
	code := strings.Trim(string(e.Code), `"`)
	if !upstream.Success(http) || code == "" || code == "null" || code == "0" {
		return http
	}
	n, err := strconv.Atoi(code)
	switch {
	case err != nil:
		return 0
	case n == 200 || n == 201:
		return http
	case n >= 400 && n <= 599:
		return n
	}
	return 0
}

// said is the upstream's message, if it is a string.
func (e envelope) said() string {
	var s string
	if json.Unmarshal(e.Message, &s) != nil {
		return ""
	}
	return s
}

// wrapped reports whether the data is there.
func (e envelope) wrapped() bool { return len(e.Data) > 0 && string(e.Data) != "null" }
