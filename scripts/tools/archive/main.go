// Command archive packs files into a .tar.gz whose bytes depend on nothing but
// the files' content and names: not on the clock, the user, the umask, or which
// tar and gzip a machine has.
//
//	archive OUTPUT.tar.gz PREFIX EPOCH FILE...
//
// Each FILE becomes PREFIX/<its base name>, executable if FILE is; a directory
// becomes one, with the files directly in it.
package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "archive:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 4 {
		return errors.New("usage: archive OUTPUT.tar.gz PREFIX EPOCH FILE...")
	}
	seconds, err := strconv.ParseInt(args[2], 10, 64)
	if err != nil {
		return fmt.Errorf("the epoch %q is not a number of seconds", args[2])
	}
	out, err := os.OpenFile(args[0], os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	err = pack(out, args[1], time.Unix(seconds, 0), args[3:])
	return errors.Join(err, out.Close())
}

func pack(w io.Writer, prefix string, at time.Time, files []string) error {
	// Without a name or a time in its header, gzip adds nothing of its own.
	zipped, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(zipped)
	for _, file := range files {
		if err := addAll(archive, prefix, at, file); err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), zipped.Close())
}

// addAll adds a file, or the files of a directory in the order of their names.
func addAll(archive *tar.Writer, prefix string, at time.Time, file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return add(archive, prefix, at, file)
	}
	entries, err := os.ReadDir(file)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := add(archive, path.Join(prefix, filepath.Base(file)), at, filepath.Join(file, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func add(archive *tar.Writer, prefix string, at time.Time, file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	mode := int64(0o644)
	if info.Mode()&0o100 != 0 {
		mode = 0o755
	}
	header := &tar.Header{
		Typeflag: tar.TypeReg, Name: path.Join(prefix, filepath.Base(file)), Size: int64(len(content)), Mode: mode,
		ModTime: at, Format: tar.FormatUSTAR,
	}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err = archive.Write(content)
	return err
}
