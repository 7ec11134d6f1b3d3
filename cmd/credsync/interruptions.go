package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// insistAfter is how long after the first signal another one means "now". Programs
// send two for one wish: timeout signals the process and then its group, and a wrapper
// passes on what the terminal has sent to both.
const insistAfter = 2 * time.Second

// sayWithin bounds how long a reader of standard error that has stopped reading may hold
// up a signal.
const sayWithin = time.Second

// interruptions hears the signals that ask the program to stop. The first ends the
// context, so that what must not be left half done is finished; one that comes at least
// insistAfter later ends the program at once. A closed output is no reason to stop: a
// write to it fails, which render.Output remembers.
type interruptions struct {
	now  func() time.Time
	exit func(code int)

	signals chan os.Signal
	mu      sync.Mutex
	cancel  context.CancelFunc
	first   time.Time
	// say tells a person; nil until there is a way to.
	say func(text string)
	// atStake says that the command may have asked an upstream for a token.
	atStake bool
	// reload takes SIGHUP; nil where it asks to stop, as the others do.
	reload chan os.Signal
}

// newInterruptions returns a context that ends at the first signal, and what ends it.
func newInterruptions(now func() time.Time, exit func(int)) (context.Context, *interruptions) {
	ctx, cancel := context.WithCancel(context.Background())
	return ctx, &interruptions{now: now, exit: exit, signals: make(chan os.Signal, 8), cancel: cancel}
}

// listen begins to take the signals from the process, until stop is called.
func (i *interruptions) listen() (stop func()) {
	wanted := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGPIPE}
	// Under nohup the end of a session is to change nothing.
	if !signal.Ignored(syscall.SIGHUP) {
		wanted = append(wanted, syscall.SIGHUP)
	}
	signal.Notify(i.signals, wanted...)
	go func() {
		for s := range i.signals {
			i.receive(s)
		}
	}()
	return func() { signal.Stop(i.signals); i.cancel() }
}

// receive is called for one signal at a time.
func (i *interruptions) receive(s os.Signal) {
	i.mu.Lock()
	reload, atStake, say, first := i.reload, i.atStake, i.say, i.first
	now := i.now()
	stops := s != syscall.SIGPIPE && (s != syscall.SIGHUP || reload == nil)
	if stops && first.IsZero() {
		i.first = now
	}
	i.mu.Unlock()
	switch {
	case s == syscall.SIGPIPE:
	case !stops:
		select {
		case reload <- s:
		default: // One is waiting already.
		}
	case first.IsZero():
		i.cancel()
		tell(say, stoppingText(atStake))
	case now.Sub(first) >= insistAfter:
		tell(say, endedText(atStake))
		i.exit(exitError)
	}
}

// stoppingText is said at the first signal, endedText at the one that is obeyed at once.
func stoppingText(atStake bool) string {
	if !atStake {
		return "Stopping. To stop immediately, send the signal again after 2 seconds."
	}
	return "Stopping after the step in progress, so that no token is lost. To stop immediately, send the signal again after 2 seconds."
}

func endedText(atStake bool) string {
	if !atStake {
		return "Stopped immediately."
	}
	return "Stopped immediately. If a request to an upstream was in progress, its answer may be lost: a token, a single-use refresh token, or a code. " +
		"Run credsync plan to see how the next apply recovers."
}

// tell does not wait for a reader for ever.
func tell(say func(string), text string) {
	if say == nil {
		return
	}
	said := make(chan struct{})
	go func() {
		defer close(said)
		say(text)
	}()
	limit := time.NewTimer(sayWithin)
	defer limit.Stop()
	select {
	case <-said:
	case <-limit.C:
	}
}

// speaksBy says how a person is told. Nothing of it does anything for nil, which is what
// there is where the program is not a process of its own.
func (i *interruptions) speaksBy(say func(string)) {
	if i == nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.say = say
}

// tokensAtStake says that from now on an upstream may be asked for a token.
func (i *interruptions) tokensAtStake() {
	if i == nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.atStake = true
}

// reloads makes SIGHUP ask for the configuration to be read again.
func (i *interruptions) reloads() <-chan os.Signal {
	if i == nil {
		return nil
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.reload = make(chan os.Signal, 1)
	// Whoever starts a daemon under nohup can still ask it to.
	signal.Notify(i.signals, syscall.SIGHUP)
	return i.reload
}
