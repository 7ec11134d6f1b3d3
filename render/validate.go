package render

import (
	"github.com/credsync/credsync/schema/diag"
)

// validation is the document of validate --json: that of
// "terraform validate -json".
type validation struct {
	FormatVersion string    `json:"format_version"`
	Valid         bool      `json:"valid"`
	ErrorCount    int       `json:"error_count"`
	WarningCount  int       `json:"warning_count"`
	Diagnostics   diag.List `json:"diagnostics"`
}

// Validation prints what the validate command found.
func (o *Output) Validation(list diag.List, asJSON bool) {
	if asJSON {
		o.indentedJSON(validation{
			FormatVersion: "1.0",
			Valid:         !list.HasErrors(),
			ErrorCount:    list.Count(diag.Error),
			WarningCount:  list.Count(diag.Warning),
			Diagnostics:   notNil(list),
		})
		return
	}
	o.Diagnostics(list)
	if list.HasErrors() {
		return
	}
	note := "The configuration is valid."
	if n := list.Count(diag.Warning); n > 0 {
		note = "The configuration is valid, but there were " + Plural(n, "warning") + " as shown above."
		if n == 1 {
			note = "The configuration is valid, but there was 1 warning as shown above."
		}
	}
	o.Out.printf("%s %s\n", o.Out.style().green("Success!"), note)
}
