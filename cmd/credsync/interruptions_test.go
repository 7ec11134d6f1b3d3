package main

import (
	"context"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// arrival is a signal, so long after the start.
type arrival struct {
	signal os.Signal
	at     time.Duration
}

func TestOnlyALaterSignalEndsAtOnce(t *testing.T) {
	const before, after = insistAfter - time.Millisecond, insistAfter
	tests := map[string]struct {
		arrivals []arrival
		// said is how often something is said; stopped and ended are what became of it.
		said           int
		stopped, ended bool
	}{
		"none":                        {nil, 0, false, false},
		"INT":                         {[]arrival{{os.Interrupt, 0}}, 1, true, false},
		"TERM":                        {[]arrival{{syscall.SIGTERM, 0}}, 1, true, false},
		"HUP":                         {[]arrival{{syscall.SIGHUP, 0}}, 1, true, false},
		"PIPE asks nothing":           {[]arrival{{syscall.SIGPIPE, 0}, {syscall.SIGPIPE, after}}, 0, false, false},
		"the same at once":            {[]arrival{{syscall.SIGTERM, 0}, {syscall.SIGTERM, 0}}, 1, true, false},
		"another a little later":      {[]arrival{{os.Interrupt, 0}, {syscall.SIGTERM, before}}, 1, true, false},
		"many a little later":         {[]arrival{{os.Interrupt, 0}, {syscall.SIGHUP, before}, {syscall.SIGTERM, before}}, 1, true, false},
		"the same later":              {[]arrival{{syscall.SIGTERM, 0}, {syscall.SIGTERM, after}}, 2, true, true},
		"another later":               {[]arrival{{os.Interrupt, 0}, {syscall.SIGTERM, after}}, 2, true, true},
		"HUP later":                   {[]arrival{{os.Interrupt, 0}, {syscall.SIGHUP, after}}, 2, true, true},
		"later than the first":        {[]arrival{{os.Interrupt, 0}, {os.Interrupt, before}, {os.Interrupt, after}}, 2, true, true},
		"PIPE between does not count": {[]arrival{{os.Interrupt, 0}, {syscall.SIGPIPE, after}}, 1, true, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var now time.Time
			ended, said := false, 0
			ctx, i := newInterruptions(func() time.Time { return now }, func(code int) { ended = code == exitError })
			i.speaksBy(func(string) { said++ })
			for _, a := range tt.arrivals {
				now = time.Time{}.Add(time.Hour + a.at)
				i.receive(a.signal)
			}
			if stopped := ctx.Err() != nil; stopped != tt.stopped || ended != tt.ended || said != tt.said {
				t.Errorf("stopped %t, ended %t, said %d times; want %t, %t, %d", stopped, ended, said, tt.stopped, tt.ended, tt.said)
			}
		})
	}
}

func TestHangupReloadsWhereThatIsWanted(t *testing.T) {
	ctx, i := newInterruptions(time.Now, func(int) { t.Error("ended") })
	hangups := i.reloads()
	defer i.listen()()
	i.receive(syscall.SIGHUP)
	i.receive(syscall.SIGHUP) // Nobody has taken the first yet.
	if ctx.Err() != nil || len(hangups) != 1 {
		t.Errorf("%d reloads are wanted, and the program stops: %v", len(hangups), ctx.Err())
	}
	i.receive(syscall.SIGTERM)
	i.receive(syscall.SIGHUP)
	if ctx.Err() == nil {
		t.Error("SIGTERM does not stop it")
	}
}

// Whoever reads standard error may have stopped, and must not hold up the end.
func TestAReaderThatStoppedReadingHoldsUpNoSignal(t *testing.T) {
	now, ended := time.Time{}.Add(time.Hour), false
	ctx, i := newInterruptions(func() time.Time { return now }, func(int) { ended = true })
	never := make(chan struct{})
	defer close(never)
	i.speaksBy(func(string) { <-never })
	i.receive(os.Interrupt)
	if ctx.Err() == nil {
		t.Error("the first signal waits for the reader")
	}
	now = now.Add(insistAfter)
	i.receive(os.Interrupt)
	if !ended {
		t.Error("the second signal waits for the reader")
	}
}

func TestWhatIsSaidDependsOnWhatIsAtStake(t *testing.T) {
	for _, atStake := range []bool{false, true} {
		now := time.Time{}.Add(time.Hour)
		var said []string
		_, i := newInterruptions(func() time.Time { return now }, func(int) {})
		i.speaksBy(func(text string) { said = append(said, text) })
		if atStake {
			i.tokensAtStake()
		}
		i.receive(os.Interrupt)
		now = now.Add(insistAfter)
		i.receive(os.Interrupt)
		if len(said) != 2 || strings.Contains(said[0], "token") != atStake || strings.Contains(said[1], "token") != atStake {
			t.Errorf("at stake: %t, said: %q", atStake, said)
		}
	}
}

// What only a process of its own can be told is left out elsewhere.
func TestNoInterruptionsAreNoMistake(t *testing.T) {
	var i *interruptions
	i.speaksBy(func(string) {})
	i.tokensAtStake()
	if i.reloads() != nil {
		t.Error("there is something to wait for")
	}
	if got := commandIn(context.Background(), nil, []string{"version"}); got.code != 0 {
		t.Errorf("exit %d", got.code)
	}
}
