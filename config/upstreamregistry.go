package config

import (
	"context"

	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema/diag"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// LoadUpstreams returns the providers of Options, the embedded ones and those that the
// upstream blocks of a configuration describe. It evaluates nothing else, so it needs no
// variable and no secret. The list says what is wrong with the blocks, which are then left
// out. Files that cannot be parsed are left out too; where there is no configuration, only
// the providers of Options and the embedded ones are there.
func LoadUpstreams(ctx context.Context, o Options) (*providers.Registry, diag.List) {
	l := newLoader(ctx, o)
	var files []*hcl.File
	if _, paths, problems := listFiles(o.Path); len(paths) > 0 && len(problems) == 0 {
		files, _, _ = l.parseFiles()
	}
	l.functionsContext = &hcl.EvalContext{Variables: map[string]cty.Value{}}
	l.declareUpstreams(l.upstreamBlocks(upstreamBlocksOf(files)))
	l.embeddedUpstreams()
	return l.providers, l.report.list()
}

// Provider looks up a type of accounts, whether or not the configuration has an account of
// it.
func (c *Config) Provider(name string) (*providers.Spec, bool) {
	if spec, ok := c.providers.Lookup(name); ok {
		return spec, true
	}
	l := newLoader(context.Background(), Options{Providers: c.providers, Embedded: c.embedded})
	l.functionsContext = &hcl.EvalContext{Variables: map[string]cty.Value{}}
	l.providers = c.providers
	return l.embeddedUpstream(name)
}

// embeddedUpstreams adds all that the configuration does not replace.
func (l *loader) embeddedUpstreams() {
	for _, name := range l.providerNames() {
		if !l.brokenUpstreams[name] {
			_, _ = l.provider(name)
		}
	}
}
