package sagi

import (
	"net/http"
	"strconv"

	"github.com/credsync/credsync/internal/upstream"
)

// Values of the envelope attribute.
const (
	envelopeAuto    = "auto"
	envelopeWrapped = "wrapped"
	envelopeBare    = "bare"
)

// response is an answer with its envelope opened.
type response struct {
	*upstream.Answer
	fields *upstream.Object
	mode   string
	// status is the HTTP status or the envelope's code; see statusOf.
	status int
}

// open reads an answer as far as its status goes. Of a refusal the document names the
// status alone, so it may have any body.
func (p *provider) open(a *upstream.Answer) *response {
	r := &response{Answer: a, mode: p.envelope, status: a.Status, fields: a.Fields()}
	if p.envelope != envelopeBare {
		r.status = r.statusOf(a.Status)
	}
	return r
}

// judge makes the refusal that the tables are about.
func (r *response) judge() upstream.Refused {
	refused := r.Refused("", r.fields.Said("message"))
	refused.Code = r.status
	return refused
}

// refused judges an answer that is no success.
func (r *response) refused(table []upstream.Refusal) error { return r.judge().Judge(table) }

// data is what an answer of success holds, wrapped or bare. A token is taken where
// it is, whatever the envelope attribute says: it has been issued.
func (r *response) data() (*upstream.Object, error) {
	const token = "access_token"
	switch {
	case r.fields.Has(token) || r.mode == envelopeBare && !r.fields.Object("data").Has(token):
		return r.Object()
	case r.fields.Object("data") != nil:
		return r.fields.Object("data"), nil
	case r.mode == envelopeWrapped:
		return nil, r.fields.NoToken("data")
	}
	return r.Object()
}

// statusOf is the answer's HTTP status, or the one that the envelope puts in its
// place: some errors arrive as HTTP 200 with another code inside. 0 is a code
// that nobody documented, of an answer without a token: with one, the token counts.
func (r *response) statusOf(http int) int {
	code := r.fields.Code("code")
	if !upstream.Success(http) || code == "" || code == "0" {
		return http
	}
	n, err := strconv.Atoi(code)
	switch {
	case err == nil && isSuccess(n):
		return http
	case err == nil && n >= 400 && n <= 599:
		return n
	}
	if data, err := r.data(); err == nil && data.Has("access_token") {
		r.fields.LeaveOut("code")
		return http
	}
	return 0
}

// isSuccess reports whether a code in the envelope is one of success.
func isSuccess(code int) bool { return code == http.StatusOK || code == http.StatusCreated }
