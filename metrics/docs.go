package metrics

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// Reference is the table of docs/metrics.md.
func Reference() string {
	var b strings.Builder
	b.WriteString("| metric | type | labels | meaning |\n|---|---|---|---|\n")
	row := func(name, kind string, labels []string, help string, daemon bool) {
		if daemon {
			help += " `credsync run` only."
		}
		quoted := make([]string, len(labels))
		for i, l := range labels {
			quoted[i] = "`" + l + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", name, kind, strings.Join(quoted, ", "), strings.ReplaceAll(help, "|", "\\|"))
	}
	for _, m := range Table {
		kind := "gauge"
		if m.Type == prometheus.CounterValue {
			kind = "counter"
		}
		row(m.Name, kind, m.Labels, m.Help, m.Daemon)
	}
	row(rotationDelayName, "histogram", nil, rotationDelayHelp, true)
	return b.String()
}

// Names are the names of all families, in order.
func Names() []string {
	names := []string{rotationDelayName}
	for _, m := range Table {
		names = append(names, m.Name)
	}
	slices.Sort(names)
	return names
}
