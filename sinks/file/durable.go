package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/credsync/credsync/sinks"
)

// Lasts implements sinks.Durable. Runs on one machine keep off each other by a lock,
// which not every network file system carries to other machines.
func (s *Sink) Lasts(_ context.Context, record sinks.Target) (string, error) {
	dir := filepath.Join(s.dir, filepath.FromSlash(record.Path))
	for {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	name := remoteFileSystem(dir)
	if name == "" {
		return "", nil
	}
	return fmt.Sprintf("The state is at %s, on a network file system (%s) that may not share locks between machines: two machines that apply at once could both use one refresh token or log in twice. "+
		"Run credsync on one machine only, mount the file system so that locks go to the server (for NFS, without nolock and local_lock), or keep the state in Vault or Kubernetes.", filepath.Join(s.dir, filepath.FromSlash(record.Path)), name), nil
}
