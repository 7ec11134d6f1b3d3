package audit

import (
	"fmt"
	"io"
	"sync"
)

// Stream is an audit trail in a stream that someone else keeps, such as
// standard error in a container.
type Stream struct {
	name string

	mu sync.Mutex
	to io.Writer
}

var _ Recorder = (*Stream)(nil)

// NewStream returns a trail that is written to w; name says in errors what that
// is.
func NewStream(w io.Writer, name string) *Stream { return &Stream{name: name, to: w} }

// Record implements Recorder.
func (s *Stream) Record(ev Event) error {
	b, err := encode(ev)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.to.Write(b); err != nil {
		return fmt.Errorf("the audit trail cannot be written to %s: %w", s.name, reasonOf(err))
	}
	return nil
}
