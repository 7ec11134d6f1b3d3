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
		Help: "When the account's newest token expires. No series if there is no token or it does not expire.",
	}
	issued = Metric{
		Name: "credsync_token_issued_timestamp_seconds", Type: prometheus.GaugeValue, Labels: perAccount,
		Help: "When the account's newest token was issued. No series if there is no token.",
	}
	nextRotation = Metric{
		Name: "credsync_next_rotation_timestamp_seconds", Type: prometheus.GaugeValue, Labels: perAccount,
		Help: "When the account's token is due for rotation. No series if it never is.",
	}
	lastSuccess = Metric{
		Name: "credsync_last_success_timestamp_seconds", Type: prometheus.GaugeValue, Labels: perAccount,
		Help: "When this process last found the account up to date, or brought it up to date. No series before the first time.",
	}
	humanNeeded = Metric{
		Name: "credsync_human_needed_timestamp_seconds", Type: prometheus.GaugeValue, Labels: perAccount,
		Help: "When the account stops working unless a human acts, for example by renewing a certificate. No series if no such date is known.",
	}
	blockedFamily = Metric{
		Name: "credsync_account_blocked", Type: prometheus.GaugeValue, Labels: accountLabels("reason"),
		Help: "1 for an account that needs a human, with the reason, even while its token is still good. No series for other accounts.",
	}
	action = Metric{
		Name: "credsync_account_action", Type: prometheus.GaugeValue, Labels: accountLabels("action", "reason"),
		Help: "1 for the account's pending action and its reason, in the words of plan. An account that is up to date has the action none.",
	}
	targets = Metric{
		Name: "credsync_targets", Type: prometheus.GaugeValue, Labels: perAccount,
		Help: "How many targets the account has.",
	}
	delivered = Metric{
		Name: "credsync_targets_delivered", Type: prometheus.GaugeValue, Labels: perAccount,
		Help: "How many of the account's targets hold its newest token, complete and unchanged.",
	}
	logins = Metric{
		Name: "credsync_logins_total", Type: prometheus.CounterValue, Labels: perAccount,
		Help: "Logins that this process sent for the account, successful or not.",
	}
	refreshes = Metric{
		Name: "credsync_refreshes_total", Type: prometheus.CounterValue, Labels: perAccount,
		Help: "Refreshes that this process sent for the account, successful or not.",
	}
	failures = Metric{
		Name: "credsync_failures_total", Type: prometheus.CounterValue, Labels: accountLabels("class"),
		Help: "How often work on the account failed, by the class of the error.",
	}
	accounts = Metric{
		Name: "credsync_accounts", Type: prometheus.GaugeValue,
		Help: "How many accounts this process manages.",
	}
	buildInfo = Metric{
		Name: "credsync_build_info", Type: prometheus.GaugeValue, Labels: []string{"version", "goversion"},
		Help: "Always 1, with the versions of credsync and Go as labels.",
	}
	lastRun = Metric{
		Name: "credsync_last_run_timestamp_seconds", Type: prometheus.GaugeValue, Labels: []string{"command"},
		Help: "When the apply or plan that wrote these metrics ended. Only in files and push gateways.",
	}
	ready = Metric{
		Name: "credsync_ready", Type: prometheus.GaugeValue, Daemon: true,
		Help: "1 while a configuration is loaded and the state can be read, as /readyz says; otherwise 0.",
	}
	stateReachable = Metric{
		Name: "credsync_state_reachable", Type: prometheus.GaugeValue, Daemon: true,
		Help: "1 if the last attempt to read the state succeeded; otherwise 0.",
	}
	stateRead = Metric{
		Name: "credsync_state_last_read_timestamp_seconds", Type: prometheus.GaugeValue, Daemon: true,
		Help: "When the whole state was last read. No series before the first time.",
	}
	reloadOK = Metric{
		Name: "credsync_config_last_reload_successful", Type: prometheus.GaugeValue, Daemon: true,
		Help: "1 if the last reload of the configuration succeeded; 0 while the previous configuration stays in use.",
	}
	reloadAt = Metric{
		Name: "credsync_config_last_reload_success_timestamp_seconds", Type: prometheus.GaugeValue, Daemon: true,
		Help: "When the configuration and its inputs were last loaded successfully.",
	}
	scheduled = Metric{
		Name: "credsync_working", Type: prometheus.GaugeValue, Daemon: true,
		Help: "How many accounts are being worked on now.",
	}
)

// rotationDelay is the one histogram.
const (
	rotationDelayName = "credsync_rotation_delay_seconds"
	rotationDelayHelp = "How long after its due time each rotation started."
)

// Table is every family that has one value per series, in the order of the
// documentation.
var Table = []Metric{
	expires, issued, nextRotation, lastSuccess, humanNeeded, blockedFamily, action, targets, delivered, logins,
	refreshes, failures,
	accounts, buildInfo, lastRun, ready, stateReachable, stateRead, reloadOK, reloadAt, scheduled,
}

// desc is what Prometheus calls a family.
func (m Metric) desc() *prometheus.Desc { return prometheus.NewDesc(m.Name, m.Help, m.Labels, nil) }
