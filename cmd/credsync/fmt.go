package main

import (
	"bytes"
	"io"
	"os"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/internal/outputfile"
	"github.com/credsync/credsync/schema/diag"
	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"
)

// fmtFlags are the fmt command's own.
type fmtFlags struct {
	check, diff, recursive bool
}

func (a *app) fmtCommand() *cobra.Command {
	var f fmtFlags
	cmd := &cobra.Command{
		Use:   "fmt [PATH]",
		Short: "Rewrite configuration files in the canonical format",
		Long: "Rewrite the configuration files of a directory, or one file, in the canonical\n" +
			"format, and print the names of the files that changed. If PATH is -, format\n" +
			"standard input to standard output.",
		Args: onePath,
		RunE: func(_ *cobra.Command, args []string) error {
			if pathArgument(args) == "-" {
				return a.fmtStdin(f)
			}
			return a.fmt(pathArgument(args), f)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.check, "check", false, "change nothing; exit with 1 if a file is not formatted")
	flags.BoolVar(&f.diff, "diff", false, "print the changes, with … in place of values")
	flags.BoolVar(&f.recursive, "recursive", false, "also format the directories below PATH")
	return cmd
}

func (a *app) fmt(path string, f fmtFlags) error {
	files, diags := config.FilesToFormat(a.path(path), f.recursive)
	end := commandResult{}
	for _, name := range files {
		changed, more := a.fmtFile(name, f)
		diags = append(diags, more...)
		end.failed = end.failed || changed && f.check
	}
	a.out.Diagnostics(diags)
	end.failed = end.failed || diags.HasErrors()
	return end.asError()
}

// fmtFile formats one file and prints its name if that changes it.
func (a *app) fmtFile(name string, f fmtFlags) (changed bool, diags diag.List) {
	before, diags := config.ReadFile(name)
	if diags.HasErrors() {
		return false, diags
	}
	after, diags := config.Format(name, before)
	if diags.HasErrors() || bytes.Equal(before, after) {
		return false, diags
	}
	if !f.check {
		if err := rewrite(name, after); err != nil {
			return false, append(diags, diag.FromError("A file could not be rewritten", err))
		}
	}
	a.out.Line(name)
	if f.diff {
		a.out.Raw(difference(name, before, after))
	}
	return true, diags
}

// difference shows what formatting changes, which is never a value: those can
// be passwords, and the output of a pipeline is read by many.
func difference(name string, before, after []byte) []byte {
	return diff.Diff("old/"+name, config.WithoutLiterals(before), "new/"+name, config.WithoutLiterals(after))
}

// rewrite replaces a file whole and keeps its mode. A symbolic link stays one.
func rewrite(name string, content []byte) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	return outputfile.Write(name, content, info.Mode().Perm())
}

func (a *app) fmtStdin(f fmtFlags) error {
	// One byte more than is taken, so that Format sees that it is too much.
	before, err := io.ReadAll(io.LimitReader(a.stdin, config.MaxFile+1))
	if err != nil {
		return usageError{"Standard input could not be read", err.Error() + "."}
	}
	after, diags := config.Format("<stdin>", before)
	a.out.Diagnostics(diags)
	if diags.HasErrors() {
		return exitStatus(exitError)
	}
	switch {
	case f.diff:
		a.out.Raw(difference("<stdin>", before, after))
	case !f.check:
		a.out.Raw(after)
	}
	return commandResult{failed: f.check && !bytes.Equal(before, after)}.asError()
}
