// Package processid names processes, so that another one can tell whether a
// process that it only knows by its name still runs.
package processid

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// NewIdentity names this process, as the holder of leases and in the audit
// trail: host, boot, process namespace, pid, start of the process, and
// something random.
func NewIdentity() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	pid := os.Getpid()
	return strings.Join([]string{clean(host), machine(), strconv.Itoa(pid), startOf(pid), rand.Text()[:8]}, "/")
}

// Whereabouts says what is known of a process.
type Whereabouts int

// The whereabouts of a process.
const (
	// Elsewhere is a process that cannot be seen from here: of another
	// machine, of another container, or of a system that does not tell.
	Elsewhere Whereabouts = iota
	// Running is a process of this machine that is there.
	Running
	// Gone is a process of this machine that has certainly ended.
	Gone
)

// WhereIs tells it of a process. It is certain only of one that ran on this
// machine, under the same boot and in the same process namespace.
func WhereIs(identity string) Whereabouts {
	parts := strings.Split(identity, "/")
	if len(parts) != 5 || machine() == "" || parts[1] != machine() {
		return Elsewhere
	}
	pid, err := strconv.Atoi(parts[2])
	if err != nil || parts[3] == "" {
		return Elsewhere
	}
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		return Elsewhere
	}
	if startOf(pid) == parts[3] {
		return Running
	}
	return Gone
}

// MayRun reports whether a process may still be at work. It says no only where
// that is certain.
func MayRun(identity string) bool { return WhereIs(identity) != Gone }

// Describe names a process for people.
func Describe(identity string) string {
	parts := strings.Split(identity, "/")
	if len(parts) != 5 {
		return identity
	}
	return fmt.Sprintf("process %s on %s", parts[2], parts[0])
}

// machine identifies boot and process namespace; "" where the system does not
// tell, as outside Linux.
func machine() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	ns, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return clean(strings.TrimSpace(string(boot)) + "." + ns)
}

// startOf returns when a process started, in ticks since boot; "" if there is
// no such process. A pid is used again, a pid with its start is not.
func startOf(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The second field is the command in parentheses and may hold spaces.
	i := bytes.LastIndex(b, []byte(") "))
	if i < 0 {
		return ""
	}
	fields := bytes.Fields(b[i+2:])
	// The start time is field 22 of proc(5); rest begins at field 3. A zombie
	// no longer works.
	if len(fields) < 20 || string(fields[0]) == "Z" {
		return ""
	}
	return string(fields[19])
}

func clean(s string) string { return strings.ReplaceAll(s, "/", "_") }
