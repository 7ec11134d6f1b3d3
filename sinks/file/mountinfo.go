package file

import (
	"strconv"
	"strings"
)

// mountOptions are those of the file system of a mount, in a text as of
// /proc/self/mountinfo; "" for none of that id.
func mountOptions(mounts string, id uint64) string {
	for line := range strings.Lines(mounts) {
		fields := strings.Fields(line)
		if len(fields) > 0 && fields[0] == strconv.FormatUint(id, 10) {
			return fields[len(fields)-1]
		}
	}
	return ""
}
