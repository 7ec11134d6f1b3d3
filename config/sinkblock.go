package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
	"github.com/hashicorp/hcl/v2"
)

// declareSinks evaluates the sink blocks.
func (l *loader) declareSinks(blocks []*hcl.Block) {
	first := map[string]hcl.Range{}
	for _, b := range blocks {
		spec, ok := l.sinkSpec(b)
		address := b.Labels[0] + "." + b.Labels[1]
		if !ok || !l.checkName(b.Labels[1], "a sink", b) {
			l.brokenSinks[address] = true
			continue
		}
		if at, twice := first[address]; twice {
			l.report.error(b.DefRange, "", "Duplicate sink", fmt.Sprintf("A sink %q %q was already declared at %s. Names must be unique per type.", b.Labels[0], b.Labels[1], place(at)))
			continue
		}
		first[address] = b.DefRange
		s := sectionOf(b)
		content, good := l.splitByTables(
			s,
			scope{address: "sink." + address},
			[]*schema.Block{l.tables.sink, &spec.Connection},
		)
		if l.refuseData(content, s, "sink."+address, "A sink") {
			good = false
		}
		if !good {
			l.brokenSinks[address] = true
			continue
		}
		sc := scope{ctx: l.contextOf(needs(expressions(content)...)), address: "sink." + address}
		instances, ok := l.instances(content.Attributes["for_each"], sc)
		l.brokenSinks[address] = !ok
		for _, i := range instances {
			values, ok := l.decode(content, &spec.Connection, s, i.scope)
			if !ok {
				l.brokenSinks[address] = true
				continue
			}
			l.addSink(&Sink{Name: address + i.suffix, Spec: spec, Values: values, Range: convertRange(b.DefRange)})
		}
	}
}

func (l *loader) addSink(s *Sink) {
	l.sinks[s.Name] = s
	l.sinkOrder = append(l.sinkOrder, s)
}

// refuseData reports a block that must be known before data can be read, and
// yet depends on data.
func (l *loader) refuseData(content *hcl.BodyContent, s section, address, what string) bool {
	refused := false
	for _, expr := range expressions(content) {
		chain, found := l.fromData(needs(expr))
		if !found {
			continue
		}
		refused = true
		via := ""
		if len(chain) > 1 {
			via = fmt.Sprintf(" It does so through %s.", strings.Join(chain[:len(chain)-1], ", "))
		}
		l.report.error(expr.Range(), address, "Data not available here", fmt.Sprintf("%s must not depend on %s: data is read through sinks, so sinks and the state must be known first. Use variables, env() or file() here.%s", what, chain[len(chain)-1], via))
	}
	return refused
}

// doubt warns of a place that looks like a mistake.
func (l *loader) doubt(spec *sinks.Spec, sink *Sink, values schema.Values, at hcl.Range, address string) {
	if spec.Doubt == nil {
		return
	}
	if why := spec.Doubt(sink.Values, values); why != "" {
		l.report.add(diag.Warningf("The location may not be the intended one", "%s", why).About(address, nil), &at)
	}
}

// sinkBaseName is a sink's name without the key of an instance.
func sinkBaseName(name string) string {
	base, _, _ := strings.Cut(name, "[")
	return base
}

// sinkSpec looks up the sink type that a block's first label names.
func (l *loader) sinkSpec(b *hcl.Block) (*sinks.Spec, bool) {
	spec, ok := l.opts.Sinks.Lookup(b.Labels[0])
	if !ok {
		types := l.opts.Sinks.Names()
		l.report.error(
			b.LabelRanges[0],
			"",
			"Unknown sink type",
			fmt.Sprintf(
				"There is no sink type %q.%s The types are %s.",
				b.Labels[0],
				didYouMean(b.Labels[0], types),
				quoteAll(types),
			),
		)
	}
	return spec, ok
}

// findSink looks up a declared sink, by its type and by its name with the key
// of an instance.
func (l *loader) findSink(kind, name string, at hcl.Range, address string) (*Sink, bool) {
	if s := l.sinks[kind+"."+name]; s != nil {
		return s, true
	}
	if l.brokenSinks[kind+"."+sinkBaseName(name)] {
		return nil, false // reported where it is declared
	}
	if s := l.sinks[kind+"."+sinkBaseName(name)+placeholderSuffix]; s != nil && name != sinkBaseName(name) {
		// Which instances there are is not known.
		instance := *s
		instance.Name = kind + "." + name
		return &instance, true
	}
	declared := l.sinkNames()
	detail := fmt.Sprintf("No sink %q %q is declared.%s", kind, name, didYouMean(kind+"."+name, declared))
	declare := fmt.Sprintf("Declare it with a block: sink %q %q {}.", kind, name)
	l.report.error(at, address, "Unknown sink", detail+" "+orNone("The declared ones are ", declare, declared))
	return nil, false
}

func (l *loader) sinkNames() []string {
	var all []string
	for _, s := range l.sinkOrder {
		all = append(all, s.Name)
	}
	slices.Sort(all)
	return all
}
