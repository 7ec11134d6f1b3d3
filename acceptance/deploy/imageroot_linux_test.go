//go:build acceptance

package deploy

import (
	"os"
	"os/exec"
	"syscall"
)

// nonroot is the user of the image.
const nonroot = 65532

// enterRoot has a command run in another root, as the user of the image. A user of
// this machine who is not root needs a user namespace for it.
func enterRoot(cmd *exec.Cmd, root string) {
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	if os.Getuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nonroot, Gid: nonroot, NoSetGroups: true}
		return
	}
	cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
	cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: nonroot, HostID: os.Getuid(), Size: 1}}
}
