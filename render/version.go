package render

// Version is what the version command tells.
type Version struct {
	Version string `json:"version"`
	// Commit is "" where the build does not know it.
	Commit   string `json:"commit"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// Version prints which credsync this is.
func (o *Output) Version(v Version, asJSON bool) {
	if asJSON {
		o.indentedJSON(v)
		return
	}
	o.Out.printf("credsync v%s\non %s, built with %s\n", v.Version, v.Platform, v.Go)
	if v.Commit != "" {
		o.Out.printf("commit %s\n", v.Commit)
	}
}
