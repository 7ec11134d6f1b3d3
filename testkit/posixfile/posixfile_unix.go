//go:build unix

package posixfile

import (
	"syscall"
	"testing"
)

func pipe(_ testing.TB, path string) error { return syscall.Mkfifo(path, 0o600) }

func setUmask(_ testing.TB, mask int) (old int) { return syscall.Umask(mask) }
