package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// A host that breaks connections is there; one that cannot be reached, or says nothing,
// is not.
func TestWhatIsSilence(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"an answer":            {nil, false},
		"no answer in time":    {errTimeout, true},
		"a timeout of the net": {&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, true},
		"no such name":         {&net.DNSError{Name: "h"}, true},
		"no connection":        {&net.OpError{Op: "dial", Err: errors.New("refused")}, true},
		"no proxy":             {&net.OpError{Op: "proxyconnect", Err: errors.New("refused")}, true},
		"a broken connection":  {&net.OpError{Op: "read", Err: errors.New("reset")}, false},
		"the end of it":        {io.ErrUnexpectedEOF, false},
		"an answer too large":  {errTooLarge, false},
	} {
		if c.err != nil {
			c.err = fmt.Errorf("wrapped: %w", c.err)
		}
		if silence(c.err) != c.want {
			t.Errorf("%s", name)
		}
	}
}

// What this side gave up neither counts as the host's silence nor ends the count of it.
func TestWhatThisSideGaveUpSaysNothingOfTheHost(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for name, giveUp := range map[string]func(*breaker){
		"limited":         func(b *breaker) { b.saw(t.Context(), "x", false, fmt.Errorf("wrapped: %w", errLimited{})) },
		"stopped":         func(b *breaker) { b.saw(stopped, "x", false, errTimeout) },
		"stopped at once": func(b *breaker) { b.saw(stopped, "x", false, nil) },
	} {
		b := &breaker{host: "h", now: time.Now, accounts: map[string]bool{}}
		silent := func(account int) { b.saw(t.Context(), fmt.Sprint(account), false, errTimeout) }
		for account := range 4 {
			silent(account)
		}
		giveUp(b)
		if _, err := b.admit("y"); err != nil {
			t.Errorf("%s: it counted: %v", name, err)
		}
		silent(4)
		if _, err := b.admit("y"); !errors.As(err, &errSilent{}) {
			t.Errorf("%s: the count was ended: %v", name, err)
		}
	}
}
