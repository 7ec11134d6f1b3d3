package astana_plat

import (
	"fmt"
	"strconv"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
)

// envelope is every answer, good or bad. Its data is read only from a good one.
type envelope struct {
	*upstream.Answer
	fields *upstream.Object
	// code is its statusCode; 0 where it has none.
	code int
}

func open(a *upstream.Answer) envelope {
	e := envelope{Answer: a, fields: a.Fields()}
	e.code, _ = strconv.Atoi(e.fields.Code("statusCode"))
	return e
}

// contradicts reports whether the envelope says otherwise than the status.
func (e envelope) contradicts() bool { return e.code != 0 && e.code != e.Status }

// judge makes the refusal that the tables are about. An answer that contradicts itself
// is nobody's documented one; where it says inside that the request was refused, that
// counts.
func (e envelope) judge() upstream.Refused {
	said := e.fields.Said("message")
	r := e.Refused(plain(said), said)
	if e.contradicts() {
		r.Word = ""
	}
	return r
}

// refused judges an answer that is no success.
func (p *provider) refused(e envelope) error {
	if e.contradicts() {
		return e.contradiction()
	}
	return e.judge().Judge(p.refusals)
}

func (e envelope) contradiction() *failure.Error {
	r := e.judge()
	if upstream.Success(e.Status) {
		r.Code = e.code
	}
	return r.Unclassified(fmt.Sprintf("the answer contradicts itself: its statusCode is %d", e.code),
		"Check that base_url is right and that no proxy changes answers, then report this to Astana-Plat.")
}

// readToken reads a good answer.
func (e envelope) readToken() (credential.Secret, error) {
	if _, err := e.Object(); err != nil {
		return credential.Secret{}, err
	}
	if e.contradicts() {
		return credential.Secret{}, e.contradiction()
	}
	// Some services answer an empty list where they have nothing.
	data := e.fields.Object("data")
	if data == nil {
		return credential.Secret{}, e.fields.NoToken("data")
	}
	return data.Bearer("token")
}
