package doctor_test

import (
	"testing"

	"github.com/credsync/credsync/doctor"
	"github.com/credsync/credsync/schema/diag"
)

// What was found when the configuration was read is told with its place: that of a block by
// its address, and what is of no block by the place itself.
func TestFindingsOfTheConfigurationHaveTheirPlace(t *testing.T) {
	at := &diag.Range{Filename: "main.hcl", Start: diag.Pos{Line: 7, Column: 1}}
	w := newWorld(t)
	w.adjust = func(o *doctor.Options) {
		o.Loading = diag.List{
			{Severity: diag.Warning, Address: "account.sagi.a", Range: at, Summary: "Odd", Detail: "Look."},
			{Severity: diag.Warning, Range: at, Summary: "Old", Detail: "Renew."},
			{Severity: diag.Warning, Address: "account.sagi.b", Summary: "Placeless", Detail: "Search."},
		}
	}
	r := w.examine("")
	expect(t, r, doctor.Configuration,
		"warning configuration account.sagi.a: Odd (main.hcl:7) -> Look.",
		"warning configuration account.sagi.b: Placeless -> Search.",
		"ok configuration configuration: valid (0 accounts, project default)",
		"warning configuration main.hcl:7: Old -> Renew.",
	)
	w.adjust = func(o *doctor.Options) {
		o.Loading = diag.List{{Severity: diag.Error, Range: at, Summary: "Broken", Detail: "Repair."}}
	}
	if r = w.examine(""); !r.Broken() {
		t.Error("an error in the configuration counts for nothing")
	}
	expect(t, r, doctor.Configuration, "failed configuration main.hcl:7: Broken -> Repair.")
	w.adjust = func(o *doctor.Options) {
		o.Config = nil
		o.Loading = diag.List{{Severity: diag.Error, Range: at, Summary: "Unreadable", Detail: "Repair."}}
	}
	r = w.examine(sagi("a", closedURL(t), ""))
	expect(t, r, doctor.Configuration, "failed configuration main.hcl:7: Unreadable -> Repair.")
	if len(r.Checks) != 1 || r.Project != "" {
		t.Errorf("more is told of a configuration that could not be read: %+v", r.Checks)
	}
}
