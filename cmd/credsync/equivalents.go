package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// equivalent is what somebody types who knows Terraform, kubectl or vault, and what
// does it here. Similar spelling would lead such a person astray.
type equivalent struct {
	typed string
	// needs is the flag or the subcommand that the advice names, without which the
	// advice is none; "" where it always holds.
	needs string
	here  string
}

// equivalentCommands are commands of other tools, by the command here under which they
// are typed; "" is credsync itself.
var equivalentCommands = map[string][]equivalent{
	"": {
		{"init", "", "There is nothing to initialize: providers and sinks are built in. Start with credsync validate."},
		{"destroy", "", "To remove an account, delete its block and run credsync apply; on_remove = \"delete\" in the block deletes its targets too."},
		{"delete", "", "To remove an account, delete its block and run credsync apply; on_remove = \"delete\" in the block deletes its targets too."},
		{"remove", "", "To remove an account, delete its block and run credsync apply; on_remove = \"delete\" in the block deletes its targets too."},
		{"rm", "", "To remove an account, delete its block and run credsync apply. To forget only its record: credsync state rm ADDR."},
		{"import", "", "To take over a token that was issued elsewhere, add an import block to the configuration."},
		{"moved", "", "To rename an account, add a moved block to the configuration."},
		{"mv", "", "To rename an account, add a moved block to the configuration."},
		{"refresh", "", "plan always reads the state and the targets. To check the tokens: credsync verify. To get a new one: credsync apply --replace ADDR."},
		{"rotate", "", "To replace a token before it is due: credsync apply --replace ADDR."},
		{"renew", "", "To replace a token before it is due: credsync apply --replace ADDR."},
		{"replace", "", "To replace a token before it is due: credsync apply --replace ADDR."},
		{"taint", "", "To replace a token before it is due: credsync apply --replace ADDR."},
		{"untaint", "", "Accounts cannot be marked for replacement. To replace a token once: credsync apply --replace ADDR."},
		{"reissue", "", "To replace a token before it is due: credsync apply --replace ADDR."},
		{"issue", "", "apply issues what is due: credsync apply --target ADDR."},
		{"sync", "", "To bring the targets up to date: credsync apply."},
		{"create", "", "Accounts are declared in the configuration; credsync apply gets their tokens."},
		{"diff", "", "To see what apply would do: credsync plan."},
		{"get", "", "To see the accounts: credsync status. To see the records of the state: credsync state list."},
		{"list", "", "To see the accounts: credsync status. To see the records of the state: credsync state list."},
		{"ls", "", "To see the accounts: credsync status. To see the records of the state: credsync state list."},
		{"accounts", "", "To see the accounts: credsync status. To see the records of the state: credsync state list."},
		{"describe", "", "To see one account in full: credsync status --details --target ADDR."},
		{"explain", "", "To see the attributes of an account: credsync providers TYPE. Of a sink: credsync sinks TYPE."},
		{"provider", "", "To see the providers: credsync providers."},
		{"sink", "", "To see the sinks: credsync sinks."},
		{"output", "", "Tokens are never printed: deliver blocks write them to their targets."},
		{"read", "", "Tokens are never printed: read them from their target."},
		{"write", "", "Declare what is written where in deliver blocks; credsync apply writes it."},
		{"kv", "", "Read a target with the tool it belongs to, such as vault kv get."},
		{"unlock", "", "To end the lease of a dead run: credsync state unlock ADDR."},
		{"force-unlock", "", "To end the lease of a dead run: credsync state unlock ADDR."},
		{"recover", "", "To recover a token from an emergency file: credsync state recover FILE."},
		{"migrate", "", "To move the records to another location: credsync state migrate."},
		{"check", "", "To check the configuration: credsync validate. To check what it depends on: credsync doctor."},
		{"lint", "", "To check the configuration: credsync validate."},
		{"format", "", "To format the configuration: credsync fmt."},
		{"logs", "", "No log is kept: pass --log-level to a command, or add an audit block."},
		{"watch", "", "To stay up and replace each token when it is due: credsync run."},
		{"daemon", "", "To stay up and replace each token when it is due: credsync run."},
		{"serve", "", "To stay up and replace each token when it is due: credsync run."},
		{"server", "", "To stay up and replace each token when it is due: credsync run."},
		{"agent", "", "To stay up and replace each token when it is due: credsync run."},
		{"start", "", "To stay up and replace each token when it is due: credsync run."},
		{"code", "", "To enter a one-time code: credsync login ADDR."},
		{"auth", "", "To log in with a one-time code: credsync login ADDR. For every other login: credsync apply."},
		{"workspace", "", "Use another directory or another project name for another environment."},
		{"console", "", "There is no console: credsync validate and credsync plan evaluate the configuration."},
		{"graph", "", "There is no graph: accounts do not depend on each other."},
		{"rollout", "", "To restart the workloads that read a Secret, set restart in its k8ssecret deliver block."},
		{"edit", "", "Edit the configuration, then run credsync plan."},
	},
	"state": {
		{"mv", "", "To rename an account, add a moved block to the configuration."},
		{"pull", "", "The state holds live tokens, so it is not printed. To see a record without them: credsync state show ADDR."},
		{"push", "", "To recover a token from an emergency file: credsync state recover FILE. To move the records: credsync state migrate."},
		{"replace-provider", "", "The provider is the first label of an account block. For another provider, declare another account."},
		{"get", "", "To see a record: credsync state show ADDR."},
		{"describe", "", "To see a record: credsync state show ADDR."},
		{"ls", "", "To see the records: credsync state list."},
		{"delete", "", "To forget a record: credsync state rm ADDR."},
		{"remove", "", "To forget a record: credsync state rm ADDR."},
		{"force-unlock", "", "To end the lease of a dead run: credsync state unlock ADDR."},
		{"import", "", "To take over a token that was issued elsewhere, add an import block to the configuration."},
		{"restore", "", "To recover a token from an emergency file: credsync state recover FILE."},
	},
}

// equivalentFlags are flags of other tools, without their dashes.
var equivalentFlags = []equivalent{
	{"o", "out", "To save the plan: --out FILE. To print JSON: --json."},
	{"o", "json", "To print JSON: --json."},
	{"output", "out", "To save the plan: --out FILE. To print JSON: --json."},
	{"output", "json", "To print JSON: --json."},
	{"format", "json", "To print JSON: --json."},
	{"destroy", "", "To remove an account, delete its block and run credsync apply; on_remove = \"delete\" in the block deletes its targets too."},
	{"parallelism", "concurrency", "To work on N accounts at once: --concurrency N."},
	{"j", "concurrency", "To work on N accounts at once: --concurrency N."},
	{"y", "auto-approve", "To skip the confirmation: --auto-approve."},
	{"yes", "auto-approve", "To skip the confirmation: --auto-approve."},
	{"approve", "auto-approve", "To skip the confirmation: --auto-approve."},
	{"f", "auto-approve", "To skip the confirmation: --auto-approve. Give the configuration as PATH, without a flag."},
	{"force", "auto-approve", "To skip the confirmation: --auto-approve."},
	{"f", "", "Give the configuration as PATH, without a flag, or with -C DIR."},
	{"force", "replace", "To get a new token even if the old one is good: --replace ADDR."},
	{"input", "auto-approve", "Nothing is asked without a terminal. To skip the confirmation: --auto-approve."},
	{"dry-run", "auto-approve", "To see what apply would do: credsync plan."},
	{"check", "auto-approve", "To see what apply would do: credsync plan."},
	{"refresh", "offline", "To contact no upstream: --offline."},
	{"refresh-only", "", "To check the tokens without changing anything: credsync verify, or credsync status."},
	{"generate-config-out", "", "To take over a token that was issued elsewhere, write an import block."},
	{"lock", "", "Leases cannot be turned off. To end the lease of a dead run: credsync state unlock ADDR."},
	{"lock-timeout", "", "Runs wait for each other's leases by themselves. To end the lease of a dead run: credsync state unlock ADDR."},
	{"t", "target", "To work on some accounts only: --target ADDR."},
	{"l", "target", "To work on some accounts only: --target ADDR, or a pattern such as 'sagi.*'."},
	{"selector", "target", "To work on some accounts only: --target ADDR, or a pattern such as 'sagi.*'."},
	{"exclude", "target", "To select accounts: --target ADDR. To leave one out, set enabled = false in its block."},
	{"a", "", "Without --target, all accounts are selected."},
	{"all", "", "Without --target, all accounts are selected."},
	{"A", "", "Without --target, all accounts are selected."},
	{"w", "", "To stay up: credsync run. To watch the status: watch -n 10 credsync status."},
	{"watch", "", "To stay up: credsync run. To watch the status: watch -n 10 credsync status."},
	{"n", "", "The namespace is an attribute of the sink block, and of deliver and state blocks."},
	{"namespace", "", "The namespace is an attribute of the sink block, and of deliver and state blocks."},
	{"context", "", "The context is an attribute of the sink block; KUBECONFIG works too."},
	{"kubeconfig", "", "The kubeconfig is an attribute of the sink block; KUBECONFIG works too."},
	{"address", "", "Vault's address is an attribute of the sink block; VAULT_ADDR works too."},
	{"token", "", "Vault's token comes from VAULT_TOKEN, ~/.vault-token or an auth block. Do not put it on a command line."},
	{"mount", "", "The mount is an attribute of the sink block."},
	{"c", "", "Give the configuration as PATH, without a flag, or with -C DIR."},
	{"config", "", "Give the configuration as PATH, without a flag, or with -C DIR."},
	{"dir", "", "Give the directory as PATH, without a flag, or with -C DIR."},
	{"state", "", "Set the location of the state in a state block."},
	{"backend-config", "", "Set the location of the state in a state block."},
	{"reconfigure", "", "To move the records to the location that the configuration now names: credsync state migrate."},
	{"migrate-state", "", "To move the records to the location that the configuration now names: credsync state migrate."},
	{"verbose", "", "To see more: --log-level debug."},
	{"debug", "", "To see more: --log-level debug."},
	{"v", "", "To see the version: credsync version. To see more: --log-level debug."},
	{"version", "", "To see the version: credsync version."},
	{"q", "", "For scripts, use the exit code, or --json if the command has it."},
	{"quiet", "", "For scripts, use the exit code, or --json if the command has it."},
	{"write", "check", "fmt writes the files unless --check is given."},
	{"list", "check", "fmt names the files that it changes; --check changes none."},
}

// equivalentOf finds the advice for what was typed, or "".
func equivalentOf(list []equivalent, typed string, has func(name string) bool) string {
	i := slices.IndexFunc(list, func(e equivalent) bool {
		return e.typed == typed && (e.needs == "" || has(e.needs))
	})
	if i < 0 {
		return ""
	}
	return list[i].here + " "
}

// equivalentCommand is the advice for a command that does not exist under cmd.
func equivalentCommand(cmd *cobra.Command, typed string) string {
	under := strings.TrimPrefix(strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()), " ")
	return equivalentOf(equivalentCommands[under], typed, func(string) bool { return true })
}

// equivalentFlag is the advice for a flag that cmd does not have.
func equivalentFlag(cmd *cobra.Command, typed string) string {
	return equivalentOf(equivalentFlags, typed, func(flag string) bool { return cmd.Flags().Lookup(flag) != nil })
}
