package engine

import "github.com/credsync/credsync/plan"

// planHeader is what a plan begins with: the place of the state and where the sinks
// lead, for people.
func (e *Engine) planHeader() (*plan.DocumentState, []plan.DocumentSink) {
	var list []plan.DocumentSink
	for _, s := range e.Config.Sinks {
		if opened, err := e.Sink(s); err == nil {
			list = append(list, plan.DocumentSink{Name: s.Name, Address: opened.Address()})
		}
	}
	where := e.Config.State
	if where == nil {
		return nil, list
	}
	records, err := where.Record("")
	if err != nil {
		return nil, list
	}
	at := &plan.DocumentState{Sink: where.Sink.Name, Location: records.Location}
	if opened, err := e.Sink(where.Sink); err == nil {
		at.Address = opened.Address()
	}
	return at, list
}
