package described

import (
	"encoding/json"
	"slices"

	"github.com/credsync/credsync/credential"
)

// pending is what a token keeps where an output could not be taken: the answers that its
// outputs are taken from, the last one being the response. So a description can be
// corrected without another login.
type pending struct {
	// Operation is the one whose outputs they are.
	Operation string  `json:"operation"`
	Answers   []heard `json:"answers"`
}

// keepPending adds answers to those that are kept: of a refresh the latest only.
func keepPending(kept credential.Secret, add pending) credential.Secret {
	list, _ := readPending(kept)
	list = slices.DeleteFunc(list, func(p pending) bool { return p.Operation == add.Operation })
	text, err := json.Marshal(append(list, add))
	if err != nil {
		// Nothing in it can fail to be encoded.
		return credential.Secret{}
	}
	return credential.NewSecret(string(text))
}

func readPending(kept credential.Secret) ([]pending, error) {
	if kept.IsZero() {
		return nil, nil
	}
	var list []pending
	return list, json.Unmarshal([]byte(kept.Reveal()), &list)
}

// pendingOutputs takes the outputs that a token still lacks; none where it lacks none.
// The error is that of an output that still cannot be taken.
func (o *operation) pendingOutputs(t credential.Token) (credential.Outputs, error) {
	list, err := readPending(t.Answers)
	if err != nil {
		return nil, o.mistake("", "what the token's outputs are taken from cannot be read")
	}
	var lacking credential.Outputs
	for _, p := range list {
		taken, err := o.core.begin(p.Operation, t).outputsFrom(p.Answers)
		if err != nil {
			return nil, o.outputFailed(err)
		}
		lacking = lacking.Merge(taken)
	}
	for name := range t.Outputs {
		delete(lacking, name)
	}
	return lacking, nil
}

// outputsFrom takes the outputs of an operation from answers that were kept.
func (o *operation) outputsFrom(answers []heard) (credential.Outputs, error) {
	from := o.tokenOperation()
	if from == nil {
		// The description no longer has that operation, and so no such outputs.
		return nil, nil
	}
	o.scope.expect(from.Requests)
	for _, h := range answers {
		response, _ := h.value()
		o.scope.hear(h.Label, response)
	}
	taken, _, err := o.scope.takeOutputs(from.Outputs)
	return taken, err
}

// outputFailed is the error for an output that could not be taken. The token stays, and
// so does what the outputs are taken from.
func (o *operation) outputFailed(err error) error {
	e := o.mistake("", err.Error())
	e.Advice = "Correct the output in " + o.title() + "; the next apply takes it again, without a login."
	return e
}

// withOutputs has expressions see a token with further outputs.
func (o *operation) withOutputs(t credential.Token, more credential.Outputs) {
	if len(more) == 0 {
		return
	}
	t.Outputs = t.Outputs.Merge(more)
	o.scope.set("token", o.tokenValue(t))
}
