package doctor

import (
	"sync"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/sinks"
)

// SinkGate opens sinks, and keeps what the doctor has found down from being tried
// again for each account and target.
type SinkGate struct {
	// Open opens the connection of a sink block; the same one each time.
	Open func(*config.Sink) (sinks.Sink, error)

	mu   sync.Mutex
	down map[*config.Sink]error
}

// Sink returns the connection of a block, or why it is of no use.
func (g *SinkGate) Sink(s *config.Sink) (sinks.Sink, error) {
	if err := g.Down(s); err != nil {
		return nil, err
	}
	return g.Open(s)
}

// Down says why a sink is of no use; nil where it is not known to be down.
func (g *SinkGate) Down(s *config.Sink) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.down[s]
}

func (g *SinkGate) close(s *config.Sink, why error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.down == nil {
		g.down = make(map[*config.Sink]error)
	}
	g.down[s] = why
}
