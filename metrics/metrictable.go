package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
)

// Metric is one family, as it is documented.
type Metric struct {
	Name   string
	Type   prometheus.ValueType
	Labels []string
	Help   string
	// Daemon families exist only where credsync run serves them.
	Daemon bool
}

// perAccount are the labels of every family that has a series per account.
// Their values come from the configuration and from credsync's own words alone,
// so that nobody else can make the number of series grow.
var perAccount = []string{"address", "provider"}

func accountLabels(more ...string) []string {
	return append(append([]string{}, perAccount...), more...)
}

// The families. Their order is that of the documentation.
var (
	expires = Metric{
		Name: "credsync_token_expires_timestamp_seconds", Type: prometheus.GaugeValue, Labels: perAccount,
		Help: "When the account's newest token expires. No series for a token that does not expire, or where there is none.",
	}
	issued = Metric{
		Name: "credsync_token_issued_timestamp_seconds", Type: prometheus.GaugeValue, Labels: perAccount,
		Help: "When the account's newest token was issued. No series where there is none.",
	}
	nextRotation = Metric{
		Name: "credsync_next_rotation_timestamp_seconds", Type: prometheus.GaugeValue, Labels: perAccount,
		Help: "When the account's token is due to be replaced. No series for one that never is.",
	}
	lastSuccess = Metric{
		Name: "credsync_last_success_timestamp_seconds", Type: prometheus.GaugeValue, Labels: perAccount,
		Help: "When this process last found the account in order, or put it in order. No series before it first has.",
	}
	humanNeeded = Metric{
		Name: "credsync_human_needed_timestamp_seconds", Type: prometheus.GaugeValue, Labels: perAccount,
		Help: "When the account stops working unless somebody has acted, such as renewed a certificate. No series where none is in sight.",
	}
	blockedFamily = Metric{
		Name: "credsync_account_blocked", Type: prometheus.GaugeValue, Labels: accountLabels("reason"),
		Help: "1 for an account that needs a human, with the reason, also while its token is still good. No series for others.",
	}
	action = Metric{
		Name: "credsync_account_action", Type: prometheus.GaugeValue, Labels: accountLabels("action", "reason"),
		Help: "1 for what is left to do about the account, and why: the words of plan. An account that is in order has the action none.",
	}
	targets = Metric{
		Name: "credsync_targets", Type: prometheus.GaugeValue, Labels: perAccount,
		Help: "How many targets the account has.",
	}
	delivered = Metric{
		Name: "credsync_targets_delivered", Type: prometheus.GaugeValue, Labels: perAccount,
		Help: "How many of the account's targets hold its newest token as it should be.",
	}
	logins = Metric{
		Name: "credsync_logins_total", Type: prometheus.CounterValue, Labels: perAccount,
		Help: "Logins that this process sent for the account, whatever came of them.",
	}
	refreshes = Metric{
		Name: "credsync_refreshes_total", Type: prometheus.CounterValue, Labels: perAccount,
		Help: "Refreshes that this process sent for the account, whatever came of them.",
	}
	failures = Metric{
		Name: "credsync_failures_total", Type: prometheus.CounterValue, Labels: accountLabels("class"),
		Help: "Times that work on the account ended with something not done, by the class of what was wrong.",
	}
	accounts = Metric{
		Name: "credsync_accounts", Type: prometheus.GaugeValue,
		Help: "How many accounts this process looks after.",
	}
	buildInfo = Metric{
		Name: "credsync_build_info", Type: prometheus.GaugeValue, Labels: []string{"version", "goversion"},
		Help: "1, with the version of credsync and of Go.",
	}
	lastRun = Metric{
		Name: "credsync_last_run_timestamp_seconds", Type: prometheus.GaugeValue, Labels: []string{"command"},
		Help: "When the command that wrote these metrics ended: apply or plan. Only in files and push gateways.",
	}
	ready = Metric{
		Name: "credsync_ready", Type: prometheus.GaugeValue, Daemon: true,
		Help: "1 while a configuration is loaded and the state can be read, as /readyz says; otherwise 0.",
	}
	stateReachable = Metric{
		Name: "credsync_state_reachable", Type: prometheus.GaugeValue, Daemon: true,
		Help: "1 where the state could be read when it was last tried; otherwise 0.",
	}
	stateRead = Metric{
		Name: "credsync_state_last_read_timestamp_seconds", Type: prometheus.GaugeValue, Daemon: true,
		Help: "When the state was last read as a whole. No series before it first was.",
	}
	reloadOK = Metric{
		Name: "credsync_config_last_reload_successful", Type: prometheus.GaugeValue, Daemon: true,
		Help: "1 where the configuration was good when it was last read; 0 while the one before is kept running instead.",
	}
	reloadAt = Metric{
		Name: "credsync_config_last_reload_success_timestamp_seconds", Type: prometheus.GaugeValue, Daemon: true,
		Help: "When the configuration was last read and found good, its inputs included.",
	}
	scheduled = Metric{
		Name: "credsync_working", Type: prometheus.GaugeValue, Daemon: true,
		Help: "How many accounts are being worked on at the moment.",
	}
)

// rotationDelay is the one histogram.
const (
	rotationDelayName = "credsync_rotation_delay_seconds"
	rotationDelayHelp = "How long after they were due rotations were begun."
)

// Table is every family that has one value per series, in the order of the
// documentation.
var Table = []Metric{
	expires, issued, nextRotation, lastSuccess, humanNeeded, blockedFamily, action, targets, delivered, logins, refreshes, failures,
	accounts, buildInfo, lastRun, ready, stateReachable, stateRead, reloadOK, reloadAt, scheduled,
}

// desc is what Prometheus calls a family.
func (m Metric) desc() *prometheus.Desc { return prometheus.NewDesc(m.Name, m.Help, m.Labels, nil) }
