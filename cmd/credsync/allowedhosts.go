package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/internal/httpsettings"
	"github.com/credsync/credsync/schema/diag"
	"github.com/spf13/cobra"
)

// contactsUpstreams are the commands that send requests to upstreams, or say whether those
// could be sent.
var contactsUpstreams = []string{"apply", "login", "plan", "run", "validate", "verify"}

// readAllowedHosts reads the hosts that the operator allows. For a command that contacts
// upstreams a malformed list is an error; for any other it allows nothing.
func (a *app) readAllowedHosts(cmd *cobra.Command) error {
	var err error
	if a.allowedHosts, err = httpsettings.ParseAllowedHosts(a.getenv(httpsettings.AllowedHostsVariable)); err == nil {
		return nil
	}
	a.allowedHosts = httpsettings.NoHosts()
	d := malformedAllowedHosts(err)
	if cmd.Name() == "doctor" {
		a.allowedHostsProblem = &d
	}
	if !slices.Contains(contactsUpstreams, cmd.Name()) || cmd.Parent() != cmd.Root() {
		return nil
	}
	return usageError{d.Summary, d.Detail}
}

func malformedAllowedHosts(err error) diag.Diagnostic {
	return diag.Errorf("Invalid "+httpsettings.AllowedHostsVariable,
		"The environment variable is not a list of hosts: %s. List names such as api.example.com, api.example.com:8443 or *.example.com, separated by commas, or unset it to allow all hosts. Until then no upstream is contacted.", err)
}

// hostsNotAllowed are the hosts that enabled accounts send secrets to and that the operator
// does not allow, each once.
func (a *app) hostsNotAllowed(c *config.Config, severity diag.Severity) (list diag.List) {
	if a.allowedHosts == nil || c == nil {
		return nil
	}
	users := map[string][]*config.Account{}
	for _, account := range c.Accounts {
		if !account.Enabled {
			continue
		}
		hosts, _ := account.Spec.SecretHosts(account.Values)
		for _, host := range hosts {
			// Below a "*" some hosts may be allowed.
			if !strings.HasPrefix(host, "*") && !a.allowedHosts.AllowsAddress(host) {
				users[host] = append(users[host], account)
			}
		}
	}
	for _, host := range slices.Sorted(maps.Keys(users)) {
		first, more := users[host][0], ""
		if n := len(users[host]) - 1; n > 0 {
			more = fmt.Sprintf(" and %d more", n)
		}
		d := diag.Errorf("Host that is not allowed",
			"%s%s would send secrets to %s, which is not in the environment variable %s, so nothing is sent there. Correct the account, or add the host to that variable.",
			first.Address, more, host, httpsettings.AllowedHostsVariable)
		d.Severity = severity
		list = append(list, d.About(first.Address, first.Range))
	}
	return list
}
