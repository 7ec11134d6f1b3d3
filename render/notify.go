package render

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/doctor"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
)

// SendingOutcome says what came of a message.
type SendingOutcome string

// The outcomes of a Sending.
const (
	Sent      SendingOutcome = "sent"
	NotSent   SendingOutcome = "failed"
	NotWanted SendingOutcome = "skipped"
)

// SendingOutcomes are all of them, in the order in which they are counted.
var SendingOutcomes = []SendingOutcome{Sent, NotSent, NotWanted}

// Sending is one message that was to be sent to a webhook.
type Sending struct {
	To      *config.Notify
	Outcome SendingOutcome
	// Status of the answer; 0 for none.
	Status int
	// Err is why it was not taken; nil where it was. Unmade says that there was
	// no message to send.
	Err    error
	Unmade bool
}

// message says what came of it.
func (s Sending) message(kind string) string {
	switch s.Outcome {
	case Sent:
		return fmt.Sprintf("accepted the message (HTTP %d)", s.Status)
	case NotWanted:
		return fmt.Sprintf("is not subscribed to %q events, so nothing was sent", kind)
	}
	return s.Err.Error()
}

// remedy says what to do about a message that was not taken; "" where it was.
func (s Sending) remedy() string {
	switch {
	case s.Outcome == NotWanted:
		return "To send them, add the event to its on argument."
	case s.Outcome == Sent:
		return ""
	}
	text := "Ask its operator."
	switch s.Status {
	case 0:
		if s.Unmade {
			text = "Correct its body argument."
			break
		}
		text = "Run credsync doctor to check the connection to it."
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusGone:
		text = "Check url and headers: the key in them was rejected or the address is wrong."
	case http.StatusBadRequest, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		text = "The webhook does not understand the message: compare body, method and the Content-Type header with what it expects."
	}
	if r := s.To.Range; r != nil {
		text += fmt.Sprintf(" It is declared at %s:%d.", r.Filename, r.Start.Line)
	}
	return text
}

// Sendings shows what came of sample messages of a kind.
func (o *Output) Sendings(project, kind string, list []Sending, diags diag.List, asJSON bool) {
	if asJSON {
		o.sendingsJSON(project, kind, list, diags)
		return
	}
	o.Diagnostics(diags)
	if len(list) == 0 {
		return
	}
	p := planPrinter{Stream: o.Out, now: o.Now()}
	outcomes := map[SendingOutcome]doctor.Outcome{Sent: doctor.OK, NotSent: doctor.Failed, NotWanted: doctor.Skipped}
	for _, s := range list {
		p.doctorCheck(
			doctor.Check{
				Subject: "notify." + s.To.Name,
				Outcome: outcomes[s.Outcome],
				Message: s.message(kind),
				Remedy:  s.remedy(),
			},
		)
	}
	var words []string
	for _, outcome := range SendingOutcomes {
		if n := countSendings(list, outcome); n > 0 || outcome == Sent {
			words = append(words, fmt.Sprintf("%d %s", n, outcome))
		}
	}
	text := fmt.Sprintf("Project %s: %s.", clean(project), strings.Join(words, ", "))
	if countSendings(list, Sent) > 0 {
		text += " Check that the message arrived where people see it."
	}
	p.printf("\n%s\n", wrap(text, 0, p.width()))
}

func countSendings(list []Sending, outcome SendingOutcome) (n int) {
	for _, s := range list {
		if s.Outcome == outcome {
			n++
		}
	}
	return n
}

// sendingJSON is one message of notify test --json. Every field is present.
type sendingJSON struct {
	Notify     string         `json:"notify"`
	Outcome    SendingOutcome `json:"outcome"`
	HTTPStatus *int           `json:"http_status"`
	Message    string         `json:"message"`
	Remedy     *string        `json:"remedy"`
}

func (o *Output) sendingsJSON(project, kind string, list []Sending, diags diag.List) {
	d := struct {
		FormatVersion string                 `json:"format_version"`
		Project       string                 `json:"project"`
		Event         string                 `json:"event"`
		Messages      []sendingJSON          `json:"messages"`
		Summary       map[SendingOutcome]int `json:"summary"`
		Diagnostics   diag.List              `json:"diagnostics"`
	}{plan.FormatVersion, project, kind, []sendingJSON{}, map[SendingOutcome]int{}, notNil(diags)}
	for _, outcome := range SendingOutcomes {
		d.Summary[outcome] = countSendings(list, outcome)
	}
	for _, s := range list {
		one := sendingJSON{Notify: s.To.Name, Outcome: s.Outcome, Message: s.message(kind)}
		if s.Status != 0 {
			one.HTTPStatus = &s.Status
		}
		if text := s.remedy(); text != "" {
			one.Remedy = &text
		}
		d.Messages = append(d.Messages, one)
	}
	o.indentedJSON(d)
}
