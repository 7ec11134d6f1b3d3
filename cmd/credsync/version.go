package main

import (
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/credsync/credsync/render"
	"github.com/hashicorp/go-version"
	"github.com/spf13/cobra"
)

// release is set by a release's build: -ldflags "-X main.release=1.2.3".
var release string

// development is the version of a build that does not know its own.
const development = "0.1.0-dev"

func (a *app) versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			a.out.Version(thisVersion(), asJSON)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func thisVersion() render.Version {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return versionOf(release, info)
}

// versionOf tells the version from what the build knows: the release it was
// built as, else the tagged version that "go install" fetched. The pseudo-version
// of a checkout is no release, so that is a development version.
func versionOf(release string, info *debug.BuildInfo) render.Version {
	v := render.Version{
		Version:  strings.TrimPrefix(release, "v"),
		Go:       runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	if v.Version == "" {
		if tagged, err := version.NewSemver(info.Main.Version); err == nil && tagged.Prerelease() == "" &&
			tagged.Metadata() == "" {
			v.Version = tagged.String()
		} else {
			v.Version = development
		}
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v.Commit = s.Value
		}
	}
	return v
}

// releaseVersion is the version that required_version is checked against: a
// development version counts as the release it leads to.
func releaseVersion(v string) string {
	parsed, err := version.NewSemver(v)
	if err != nil {
		return v
	}
	return parsed.Core().String()
}
