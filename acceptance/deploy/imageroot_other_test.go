//go:build acceptance && !linux

package deploy

import "os/exec"

// nonroot is the user of the image.
const nonroot = 65532

// enterRoot is for Linux only: here a command that should run in another root does
// not start.
func enterRoot(cmd *exec.Cmd, root string) { cmd.Dir = root + "/no other root here" }
