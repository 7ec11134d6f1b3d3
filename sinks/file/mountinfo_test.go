package file

import "testing"

// From the mountinfo of machines with NFS, with fields left out and in.
const mounts = `22 28 0:20 / /sys rw,nosuid - sysfs sysfs rw
28 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro
281 28 0:52 / /srv/local\\040lock=none rw,relatime shared:160 master:2 - nfs4 nas:/export rw,vers=4.2,hard,local_lock=all,addr=10.0.0.5
28 1

2810 28 0:53 / /srv/b rw - nfs4 nas:/b rw,vers=4.2,local_lock=none,addr=10.0.0.5
`

func TestMountOptionsAreThoseOfTheFileSystem(t *testing.T) {
	for id, want := range map[uint64]string{
		281:  "rw,vers=4.2,hard,local_lock=all,addr=10.0.0.5",
		2810: "rw,vers=4.2,local_lock=none,addr=10.0.0.5",
		22:   "rw",
		81:   "",
		0:    "",
	} {
		if got := mountOptions(mounts, id); got != want {
			t.Errorf("of mount %d: %q, not %q", id, got, want)
		}
	}
	if got := mountOptions("", 22); got != "" {
		t.Errorf("of nothing: %q", got)
	}
}
