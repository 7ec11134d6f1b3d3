package sagi

import (
	"encoding/json"
	"net/http"
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

// envelope is what an answer may be wrapped in, and what an error is.
type envelope struct {
	Code    json.RawMessage `json:"code"`
	Message upstream.Text   `json:"message"`
	Data    json.RawMessage `json:"data"`
}

// response is an answer with its envelope opened.
type response struct {
	*upstream.Answer
	envelope envelope
	mode     string
	// status is the HTTP status or the envelope's code; see envelope.status.
	status int
}

func (p *provider) open(a *upstream.Answer) (*response, error) {
	r := &response{Answer: a, mode: p.envelope, status: a.Status}
	if a.Status >= http.StatusInternalServerError {
		// Whatever the body is, often a proxy's page.
		return r, nil
	}
	if err := a.JSON(&r.envelope); err != nil {
		return nil, err
	}
	if p.envelope != envelopeBare {
		r.status = r.envelope.status(a.Status)
	}
	return r, nil
}

// refused judges an answer that is no success.
func (r *response) refused(table []upstream.Refusal) error {
	refused := r.Refused("", string(r.envelope.Message))
	refused.Code = r.status
	return refused.Judge(table)
}

// decode reads the data, be it wrapped or bare.
func (r *response) decode(v any) error {
	wrapped := upstream.Given(r.envelope.Data)
	switch {
	case r.mode == envelopeWrapped && !wrapped:
		return r.Missing("data")
	case r.mode != envelopeBare && wrapped:
		return r.Part(r.envelope.Data, v)
	}
	return r.JSON(v)
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
