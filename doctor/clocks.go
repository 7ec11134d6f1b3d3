package doctor

import (
	"fmt"
	"time"

	"github.com/credsync/credsync/plan"
)

// clockTolerance is how far clocks may be apart. A Date has whole seconds, and what
// was asked for twice takes its time, which is added.
const clockTolerance = 5 * time.Second

// clockOffset is how far a server's clock is ahead of this machine's.
type clockOffset struct {
	host  string
	ahead time.Duration
	wrong bool
}

// about is by how much the clocks differ, no finer than it is known.
func (o clockOffset) about() time.Duration {
	if by := o.ahead.Abs(); by < time.Minute {
		return by.Round(time.Second)
	}
	return o.ahead.Abs().Round(10 * time.Second)
}

// noteClock notes the clock of a server that was asked at a time. What it said
// came about in between.
func (d *doctor) noteClock(host string, date, asked time.Time) {
	if date.IsZero() {
		return
	}
	now := d.Now()
	took := now.Sub(asked)
	ahead := date.Add(500 * time.Millisecond).Sub(asked.Add(took / 2))
	d.mu.Lock()
	defer d.mu.Unlock()
	d.offsets = append(d.offsets, clockOffset{host: host, ahead: ahead, wrong: ahead.Abs() > clockTolerance+took/2})
}

// compareClocks compares this machine's clock with what every server said.
func (d *doctor) compareClocks() {
	wrong := 0
	for _, o := range d.offsets {
		if o.wrong {
			wrong++
		}
	}
	if right := len(d.offsets) - wrong; right > 0 {
		d.add(
			Check{
				Group:   Clock,
				Subject: "this machine",
				Outcome: OK,
				Message: fmt.Sprintf(
					"agrees with %s within %s",
					counted(right, "server"),
					plan.Duration(clockTolerance),
				),
			},
		)
	}
	for _, o := range d.offsets {
		if !o.wrong {
			continue
		}
		direction := "ahead of"
		if o.ahead < 0 {
			direction = "behind"
		}
		remedy := "Synchronize this machine's clock (NTP). Otherwise tokens are used or replaced too late, and logins can be rejected."
		if wrong < len(d.offsets) {
			remedy = "Other servers agree with this machine, so that server's clock is probably wrong: report it to its operator. Its tokens seem to expire earlier or later than they really do."
		}
		d.add(
			Check{
				Group:   Clock,
				Subject: o.host,
				Outcome: Warning,
				Message: fmt.Sprintf("its clock is %s %s this machine's", plan.Duration(o.about()), direction),
				Remedy:  remedy,
			},
		)
	}
}
