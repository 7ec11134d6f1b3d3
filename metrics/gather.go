package metrics

import (
	"maps"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Registry returns a registry of its own with the collector in it, and, for a
// process that stays up, what Go and the process say of themselves.
func (c *Collector) Registry(process bool) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(c)
	if process {
		r.MustRegister(
			c.delay,
			collectors.NewGoCollector(),
			collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		)
	}
	return r
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(descs chan<- *prometheus.Desc) {
	for _, m := range Table {
		descs <- m.desc()
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := samples{out}
	s.value(buildInfo, 1, c.version, c.goVersion)
	s.value(accounts, float64(max(c.configured, len(c.accounts))))
	if c.command != "" {
		s.time(lastRun, c.ended, c.command)
	}
	if d := c.daemon; d != nil {
		s.bool(ready, d.Ready)
		s.bool(stateReachable, d.StateReachable)
		s.time(stateRead, d.StateRead)
		s.bool(reloadOK, d.ConfigGood)
		s.time(reloadAt, d.ConfigRead)
		s.value(scheduled, float64(d.Working))
	}
	for _, address := range slices.Sorted(maps.Keys(c.accounts)) {
		s.account(address, c.accounts[address])
	}
}

// samples sends values to Prometheus.
type samples struct{ out chan<- prometheus.Metric }

func (s samples) value(m Metric, v float64, labels ...string) {
	s.out <- prometheus.MustNewConstMetric(m.desc(), m.Type, v, labels...)
}

func (s samples) bool(m Metric, b bool, labels ...string) {
	v := 0.0
	if b {
		v = 1
	}
	s.value(m, v, labels...)
}

// time leaves out a zero time.
func (s samples) time(m Metric, t time.Time, labels ...string) {
	if !t.IsZero() {
		s.value(m, float64(t.UnixMilli())/1000, labels...)
	}
}

func (s samples) account(address string, a *account) {
	l := []string{address, a.provider}
	s.time(issued, a.issued, l...)
	s.time(expires, a.expires, l...)
	s.time(nextRotation, a.at, l...)
	s.time(lastSuccess, a.lastSuccess, l...)
	s.time(humanNeeded, a.human, l...)
	if a.blocked != "" {
		s.value(blockedFamily, 1, address, a.provider, string(a.blocked))
	}
	if a.action != "" {
		s.value(action, 1, address, a.provider, string(a.action), string(a.reason))
	}
	s.value(targets, float64(a.targets), l...)
	s.value(delivered, float64(a.delivered), l...)
	s.value(logins, float64(a.logins), l...)
	s.value(refreshes, float64(a.refreshes), l...)
	for _, class := range slices.Sorted(maps.Keys(a.failures)) {
		s.value(failures, float64(a.failures[class]), address, a.provider, string(class))
	}
}
