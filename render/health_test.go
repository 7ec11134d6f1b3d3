package render

import (
	"strings"
	"testing"

	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
)

func TestMonitorLineNamesTheWorst(t *testing.T) {
	account := func(address string, h plan.Health, message string) plan.DocumentAccount {
		a := plan.DocumentAccount{Address: address, Health: h}
		if message != "" {
			a.HealthMessage = &message
		}
		return a
	}
	broken := diag.List{diag.Warningf("Old syntax", "Use the new one."), diag.Errorf("The state cannot be read", "It is damaged.")}
	for name, tt := range map[string]struct {
		d    plan.Document
		want string
	}{
		"well": {
			plan.Document{Accounts: []plan.DocumentAccount{account("account.sagi.a", plan.OK, "")}},
			"CREDSYNC OK - 1 account ok | critical=0 unknown=0 warning=0 ok=1",
		},
		"no account": {plan.Document{}, "CREDSYNC OK - 0 accounts ok | critical=0 unknown=0 warning=0 ok=0"},
		"the worst of several": {
			plan.Document{Accounts: []plan.DocumentAccount{account("a", plan.Warn, "soon"), account("b", plan.Critical, "gone"),
				account("c", plan.OK, "")}},
			"CREDSYNC CRITICAL - b: gone; 1 more not ok | critical=1 unknown=0 warning=1 ok=1",
		},
		"an error that is of no account": {
			plan.Document{Accounts: []plan.DocumentAccount{account("a", plan.Warn, "soon")}, Diagnostics: broken},
			"CREDSYNC UNKNOWN - The state cannot be read: It is damaged. | critical=0 unknown=0 warning=1 ok=0",
		},
		"a critical account beside an error": {
			plan.Document{Accounts: []plan.DocumentAccount{account("a", plan.Critical, "gone")}, Diagnostics: broken},
			"CREDSYNC CRITICAL - a: gone | critical=1 unknown=0 warning=0 ok=0",
		},
		"a key that forges performance data": {
			plan.Document{Accounts: []plan.DocumentAccount{account("a[\"x | critical=0\n\"]", plan.Critical, "gone")}},
			`CREDSYNC CRITICAL - a["x / critical=0\x0a"]: gone | critical=1 unknown=0 warning=0 ok=0`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := monitorLine(tt.d); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestTheWorstAccountsComeFirst(t *testing.T) {
	d := busyDocument()
	var got []string
	for _, a := range byHealth(d.Accounts) {
		got = append(got, strings.TrimPrefix(a.Address, "account."))
	}
	want := `sagi.beans["almaty"] sagi.milk sagi.juice invoicebox.main sagi.coffee sagi.tea invoicebox.old sagi.water`
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
}
