package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// manCommand is for whoever makes packages, so it is not listed.
func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write the manual pages",
		Long: "Write a manual page for each command into a directory, which is created if\n" +
			"needed.",
		Hidden: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{"man takes one directory", "Give the directory for the pages."}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := writeManual(cmd.Root(), a.path(args[0])); err != nil {
				return a.failed("The manual pages could not be written", err)
			}
			return nil
		},
	}
}

// writeManual dates the pages by SOURCE_DATE_EPOCH where that is set, so that a
// release can be built again as it was.
func writeManual(root *cobra.Command, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("create the directory for the pages: %w", err)
	}
	root.DisableAutoGenTag = true
	header := &doc.GenManHeader{Section: "1", Source: "credsync " + root.Version, Manual: "credsync"}
	if err := doc.GenManTree(root, header, dir); err != nil {
		return fmt.Errorf("write the pages to %s: %w", dir, err)
	}
	return nil
}
