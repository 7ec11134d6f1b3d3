package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// examples are the command lines that --help shows, by command. A test parses each.
var examples = map[string][]string{
	"validate": {
		"credsync validate",
		"credsync validate --json shop/main.hcl",
	},
	"test": {
		"credsync test",
		"credsync test --json upstreams",
	},
	"fmt": {
		"credsync fmt",
		"credsync fmt --check --diff   # in CI",
	},
	"plan": {
		"credsync plan",
		"credsync plan --target 'sagi.*'",
		"credsync plan --out credsync.plan && credsync apply credsync.plan",
		"credsync plan --detailed-exitcode   # 2: there are changes",
	},
	"apply": {
		"credsync apply",
		"credsync apply --auto-approve   # from cron or CI",
		"credsync apply --replace sagi.coffee   # a new token, now",
	},
	"run": {
		"credsync run --listen 127.0.0.1:9090",
	},
	"status": {
		"credsync status",
		"credsync status --details --target 'sagi.shop[\"almaty\"]'",
		"credsync status --exit-code   # for monitoring",
		"watch -n 10 credsync status",
	},
	"verify": {
		"credsync verify",
		"credsync verify 'sagi.*'",
	},
	"login": {
		"credsync login bifit_kassa.till",
		"credsync login bifit_kassa.till --send-only",
		"credsync login bifit_kassa.till --code-file code.txt",
	},
	"doctor": {
		"credsync doctor",
		"credsync doctor --offline",
	},
	"notify test": {
		"credsync notify test",
		"credsync notify test webhook.oncall --event blocked",
	},
	"show": {
		"credsync show credsync.plan",
	},
	"state list": {
		"credsync state list",
		"credsync state list 'sagi.*' --json",
	},
	"state show": {
		"credsync state show sagi.coffee",
	},
	"state rm": {
		"credsync state rm sagi.coffee",
	},
	"state unlock": {
		"credsync state unlock sagi.coffee",
	},
	"state recover": {
		"credsync state recover .credsync/emergency/emergency-shop--sagi-coffee.json",
	},
	"state migrate": {
		"credsync state migrate   # from .credsync",
		"credsync state migrate --from ../last-commit",
	},
	"policy vault": {
		"credsync policy vault | vault policy write credsync -",
	},
	"policy kubernetes": {
		"credsync policy kubernetes | kubectl apply -f -",
	},
	"providers": {
		"credsync providers",
		"credsync providers sagi",
	},
	"sinks": {
		"credsync sinks",
		"credsync sinks vault",
	},
	"schema": {
		"credsync schema >credsync.schema.json",
	},
}

// addExamples gives the commands below cmd their examples.
func addExamples(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		name := strings.TrimPrefix(c.CommandPath(), c.Root().Name()+" ")
		if lines := examples[name]; len(lines) > 0 {
			c.Example = "  " + strings.Join(lines, "\n  ")
		}
		addExamples(c)
	}
}
