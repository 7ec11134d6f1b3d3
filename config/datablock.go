package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/credsync/credsync/internal/inputtext"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"golang.org/x/sync/errgroup"
)

// parallelReads is how many data blocks are read at a time.
const parallelReads = 8

// dataBlock is a data block with all its instances.
type dataBlock struct {
	address    string
	kind, name string
	block      *hcl.Block
	spec       *sinks.Spec
	content    *hcl.BodyContent
	forEach    *hcl.Attribute
	// complete says that every instance could be evaluated.
	complete bool
	reads    []*dataRead
	value    cty.Value
}

// dataRead is one instance of a data block.
type dataRead struct {
	key     string
	address string
	sink    *Sink
	source  sinks.Target
	def     hcl.Range
	// pending is true for one that has to be read.
	pending bool
	err     error
	value   cty.Value
}

// declareData reads the headers of the data blocks and splits their bodies.
func (l *loader) declareData(blocks []*hcl.Block) {
	for _, b := range blocks {
		kind, name := b.Labels[0], b.Labels[1]
		address := "data." + kind + "." + name
		if !l.checkName(name, "a data block", b) {
			continue
		}
		if first := l.data[address]; first != nil {
			l.report.error(b.DefRange, address, "Duplicate data block", fmt.Sprintf("%s was already declared at %s. Names must be unique per type.", address, place(first.block.DefRange)))
			continue
		}
		d := &dataBlock{
			address: address,
			kind:    kind,
			name:    name,
			block:   b,
			value:   markSensitive(cty.DynamicVal),
			content: &hcl.BodyContent{},
		}
		l.data[address] = d
		spec, ok := l.sinkSpec(b)
		if !ok {
			continue
		}
		s := sectionOf(b)
		if content, ok := l.splitByTables(s, scope{address: address}, []*schema.Block{l.tables.data, &spec.Data}); ok {
			d.spec, d.content, d.forEach = spec, content, content.Attributes["for_each"]
		}
	}
}

// prepareData evaluates a data block as far as is possible without reading.
func (l *loader) prepareData(n *graphNode) []*dataRead {
	d := n.data
	if d.spec == nil {
		return nil
	}
	instances, ok := l.instances(d.forEach, scope{ctx: l.contextOf(n.needs), address: d.address})
	d.complete = ok
	for _, i := range instances {
		r := l.prepareRead(d, i)
		d.complete = d.complete && r != nil && !i.placeholder
		if r != nil {
			d.reads = append(d.reads, r)
		}
	}
	return d.reads
}

func (l *loader) prepareRead(d *dataBlock, i instance) *dataRead {
	s := sectionOf(d.block)
	common, ok := l.decode(d.content, l.tables.data, s, i.scope)
	values, good := l.decode(d.content, &d.spec.Data, s, i.scope)
	if !ok || !good {
		return nil
	}
	r := &dataRead{key: i.key, address: i.scope.address, def: s.def, value: markSensitive(cty.DynamicVal)}
	if !common.Known("sink") {
		l.noteUnknown(r.address, d.kind, s.def)
		return r
	}
	at := d.content.Attributes["sink"].Expr.Range()
	r.sink, ok = l.findSink(d.kind, common.String("sink"), at, i.scope.address)
	if !ok {
		return nil
	}
	if d.spec.Source == nil {
		l.report.error(s.def, r.address, "Sink cannot be read as data", fmt.Sprintf("Sinks of type %q cannot be read as data.", d.kind))
		return nil
	}
	if !values.AllKnown() || !knownButSecrets(r.sink.Values) {
		l.noteUnknown(r.address, d.kind, s.def)
		return r
	}
	source, err := d.spec.Source(r.sink.Values, values)
	if err != nil {
		l.blockError(err, "Invalid data block", values, s.def, r.address)
		return nil
	}
	l.doubt(d.spec, r.sink, values, s.def, r.address)
	source.Options = values
	r.source, r.pending = source, l.opts.ReadData != nil && r.sink.Values.AllKnown()
	return r
}

// readAllData reads in parallel and reports in order.
func (l *loader) readAllData(reads []*dataRead) {
	// After an error the values are of no use, and a sink that was declared
	// wrongly should not be contacted.
	if l.report.hasErrors() {
		return
	}
	l.reading.Store(true)
	defer l.reading.Store(false)
	var group errgroup.Group
	group.SetLimit(parallelReads)
	for _, r := range reads {
		if r.pending {
			group.Go(func() error {
				l.readDataObject(r)
				return nil
			})
		}
	}
	_ = group.Wait() // each error is in its read
	for _, r := range reads {
		if r.err != nil {
			detail := fmt.Sprintf("Reading %s of sink %s failed: %s", r.source.Location, r.sink.Name, r.err)
			if errors.Is(r.err, sinks.ErrNotFound) {
				detail += "; write the inputs there, or correct the location in this block"
			}
			l.report.error(r.def, r.address, "Data cannot be read", sentence(detail))
		}
	}
}

func (l *loader) readDataObject(r *dataRead) {
	object, err := l.opts.ReadData(l.ctx, r.sink, r.source)
	if err != nil {
		r.err = err
		return
	}
	values := make(map[string]cty.Value, len(object.Data))
	for _, key := range slices.Sorted(maps.Keys(object.Data)) {
		text, err := inputtext.Decode([]byte(object.Data[key].Reveal()))
		if err == nil {
			err = inputtext.Check(key)
		}
		if err != nil {
			r.err = fmt.Errorf("the value of %q %w", key, err)
			return
		}
		values[key] = cty.StringVal(text)
	}
	r.value = markSensitive(cty.ObjectVal(values))
}

// dataSources are the places that data blocks read, by address.
func (l *loader) dataSources() []*Data {
	var all []*Data
	for _, address := range slices.Sorted(maps.Keys(l.data)) {
		for _, r := range l.data[address].reads {
			if r.sink != nil && r.source.Location != "" {
				all = append(all, &Data{Address: r.address, Sink: r.sink, Target: r.source})
			}
		}
	}
	return all
}

// combineInstances makes the block's value of its instances.
func (d *dataBlock) combineInstances() {
	switch {
	case !d.complete:
		return
	case d.forEach == nil:
		d.value = d.reads[0].value
		return
	}
	values := make(map[string]cty.Value, len(d.reads))
	for _, r := range d.reads {
		values[r.key] = r.value
	}
	d.value = cty.ObjectVal(values)
}
