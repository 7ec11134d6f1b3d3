// Command credsync-sandbox serves emulated upstreams on this machine, to try
// credsync out with and to test it against; see package sandbox.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/credsync/credsync/internal/outputfile"
	"github.com/credsync/credsync/sandbox"
	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

type flags struct {
	listen    string
	listenTLS string
	accounts  string
	urlFile   string
	seed      uint64
}

func command() *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "credsync-sandbox",
		Short: "Serve emulated upstreams on this machine until stopped",
		Long: "Serve emulated upstreams on this machine until stopped, and print the address and\n" +
			"the accounts of each. Use the address as base_url of an account, and log in with\n" +
			"one of its accounts. Codes that would be sent by SMS are at /_control/sms. The\n" +
			"documentation of package sandbox lists the other requests to /_control, and the\n" +
			"faults that can be caused there.",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), cmd.OutOrStdout(), f) },
	}
	cmd.Flags().StringVar(&f.listen, "listen", "127.0.0.1:0", "loopback `address` to listen on; port 0 picks a free port")
	cmd.Flags().StringVar(&f.listenTLS, "listen-tls", "", "loopback `address` to serve TLS on as well; the control API serves its CA and issues client certificates")
	cmd.Flags().StringVar(&f.accounts, "accounts", "", "JSON `file` with a list of accounts, in place of the demo accounts")
	cmd.Flags().StringVar(&f.urlFile, "url-file", "", "`file` to write the base URLs to, as a JSON object, once they are served")
	cmd.Flags().Uint64Var(&f.seed, "seed", 0, "seed for faults with a probability: the same seed hits the same requests")
	return cmd
}

// run serves until ctx is done.
func run(ctx context.Context, out io.Writer, f flags) error {
	accounts, err := loadAccounts(f.accounts)
	if err != nil {
		return err
	}
	s := sandbox.New(sandbox.Options{Seed: f.seed})
	for _, a := range accounts {
		if err := s.SetAccount(a); err != nil {
			return fmt.Errorf("cannot use the accounts of %s: %w", f.accounts, err)
		}
	}
	if err := s.Start(f.listen); err != nil {
		return err
	}
	if f.listenTLS != "" {
		if err := s.StartTLS(f.listenTLS); err != nil {
			return errors.Join(err, s.Close())
		}
	}
	if f.urlFile != "" {
		if err := writeURLs(f.urlFile, s); err != nil {
			return errors.Join(err, s.Close())
		}
	}
	for _, name := range s.Upstreams() {
		fmt.Fprintf(out, "%s\t%s\n", name, s.URL(name))
		writeLogins(out, s, name, accounts, f.accounts == "")
	}
	fmt.Fprintf(out, "control\t%s/_control\n", s.URL(""))
	<-ctx.Done()
	return s.Close()
}

func loadAccounts(path string) ([]sandbox.Account, error) {
	if path == "" {
		return sandbox.DemoAccounts(), nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the accounts: %w", err)
	}
	defer file.Close()
	d := json.NewDecoder(file)
	d.DisallowUnknownFields()
	var accounts []sandbox.Account
	if err := d.Decode(&accounts); err != nil {
		return nil, fmt.Errorf("cannot read the accounts in %s: %w", path, err)
	}
	return accounts, nil
}

// writeURLs replaces the file whole, since scripts wait for it to appear.
func writeURLs(path string, s *sandbox.Sandbox) error {
	urls := s.URLs()
	urls["control"] = s.URL("") + "/_control"
	b, err := json.MarshalIndent(urls, "", "  ")
	if err != nil {
		return fmt.Errorf("cannot encode the URLs: %w", err)
	}
	if err := outputfile.Write(path, append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("cannot write the URLs: %w", err)
	}
	return nil
}
