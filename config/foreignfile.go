package config

import (
	"fmt"
	"strings"

	"github.com/credsync/credsync/schema/diag"
	"github.com/hashicorp/hcl/v2"
)

// foreignBlocks are what files of other tools that are written in HCL too begin with,
// and what such a file is. They end up beside a configuration because both end in .hcl.
var foreignBlocks = map[string]string{
	"path":           "a Vault policy",
	"auto_auth":      "a configuration of Vault Agent",
	"listener":       "a configuration of Vault",
	"storage":        "a configuration of Vault",
	"seal":           "a configuration of Vault",
	"key_prefix":     "a Consul policy",
	"service_prefix": "a Consul policy",
	"node_prefix":    "a Consul policy",
	"job":            "a Nomad job",
	"build":          "a Packer template",
	"packer":         "a Packer template",
	"terragrunt":     "a Terragrunt configuration",
	"remote_state":   "a Terragrunt configuration",
	"include":        "a Terragrunt configuration",
	"inputs":         "a Terragrunt configuration",
	"target":         "a Docker Bake file",
	"rule":           "a TFLint configuration",
	"plugin":         "a TFLint configuration",
}

// manyUnknown is from how many blocks that the language does not have a file without
// any that it has is taken for another tool's.
const manyUnknown = 3

// foreignFile returns what to say of a file of which the language has no block, in place
// of one error for each; nil where the errors say more. A slip and a habit from Terraform
// are explained block by block.
func foreignFile(problems hcl.Diagnostics) *diag.Diagnostic {
	kind := ""
	for _, p := range problems {
		name := firstQuoted().FindStringSubmatch(p.Detail)
		if name == nil || terraformHint(p) != "" {
			return nil
		}
		switch is := foreignBlocks[name[1]]; {
		case is != "":
			kind = is
		case strings.Contains(p.Detail, "Did you mean"):
			return nil
		}
	}
	looks := ""
	switch {
	case kind != "":
		looks = fmt.Sprintf("It looks like %s. ", kind)
	case len(problems) < manyUnknown:
		return nil
	}
	d := diag.Errorf("This file is not a credsync configuration",
		"%sNone of its blocks is a credsync block. credsync reads every *.hcl file in the configuration's directory, so move this file to another directory, or give it another extension.", looks)
	return &d
}
