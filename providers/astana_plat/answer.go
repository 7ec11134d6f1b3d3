package astana_plat

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
)

// envelope is every answer, good or bad. Data is read only from a good one.
type envelope struct {
	StatusCode *int            `json:"statusCode"`
	Message    upstream.Text   `json:"message"`
	Data       json.RawMessage `json:"data"`
}

type tokenData struct {
	Token upstream.Hidden `json:"token"`
}

// open reads the envelope, which says the same as the status. An answer that
// contradicts itself is nobody's documented one, and must not count as rejected
// credentials.
func (p *provider) open(a *upstream.Answer) (envelope, error) {
	var e envelope
	err := a.JSON(&e)
	switch {
	case a.Status == http.StatusInternalServerError && (err != nil || e.StatusCode == nil):
		// Whatever the body is, often a proxy's page.
		return e, p.refused(a, e)
	case err != nil:
		return e, err
	case e.StatusCode == nil:
		return e, a.Missing("statusCode")
	case *e.StatusCode != a.Status:
		return e, a.Fail(failure.Server, fmt.Sprintf("the answer contradicts itself: its statusCode is "+
			"%d", *e.StatusCode),
			"Report it to Astana-Plat. If the address is theirs, a proxy in between may change answers.")
	}
	return e, nil
}

// refused judges an answer that is no success.
func (p *provider) refused(a *upstream.Answer, e envelope) error {
	said := string(e.Message)
	return a.Refused(plain(said), said).Judge(p.refusals)
}

// readToken reads a good answer.
func readToken(a *upstream.Answer, e envelope) (credential.Secret, error) {
	if !upstream.Given(e.Data) {
		return credential.Secret{}, a.Missing("data")
	}
	// Some services answer an empty list where they have nothing.
	var object map[string]json.RawMessage
	if json.Unmarshal(e.Data, &object) != nil {
		return credential.Secret{}, a.Fail(failure.Server, "the answer's \"data\" has a wrong type or "+
			"form", "Report it to Astana-Plat.")
	}
	var data tokenData
	if err := a.Part(e.Data, &data); err != nil {
		return credential.Secret{}, err
	}
	return a.Bearer("token", data.Token)
}
