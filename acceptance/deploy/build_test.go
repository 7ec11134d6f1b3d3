//go:build acceptance

// Package deploy tries what deploy/ has: the image's program, the chart and the
// manifests at a real API server, and the CI templates at a real Vault.
package deploy

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

const (
	root       = "../.."
	dockerfile = root + "/deploy/container/Dockerfile"
	release    = "9.8.7"
)

// program is credsync, as the image has it.
var program string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "credsync-deploy-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "credsync")
		if err := buildAsTheImage(dir); err != nil {
			fmt.Fprintln(os.Stderr, "build credsync:", err)
			return 1
		}
		return m.Run()
	}())
}

// buildLine is what the Dockerfile builds with.
var buildLine = regexp.MustCompile(`(?m)^RUN (.* go build .*)$`)

// buildAsTheImage runs the Dockerfile's own command.
func buildAsTheImage(dir string) error {
	text, err := os.ReadFile(dockerfile)
	if err != nil {
		return err
	}
	match := buildLine.FindSubmatch(text)
	if match == nil {
		return fmt.Errorf("%s has no line that builds", dockerfile)
	}
	build := exec.Command("/bin/sh", "-c", strings.ReplaceAll(string(match[1]), "/out/", `"$OUT"/`))
	build.Dir = root
	build.Env = append(os.Environ(), "OUT="+dir, "TARGETOS="+runtime.GOOS, "TARGETARCH="+runtime.GOARCH, "RELEASE="+release)
	build.Stderr = os.Stderr
	return build.Run()
}
