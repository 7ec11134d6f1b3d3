package config

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/described"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/schema/functions"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// loader is one Load on its way.
type loader struct {
	ctx    context.Context
	opts   Options
	dir    string
	report *reporter
	// reading is true while data is being read, which takes its own time.
	reading *atomic.Bool
	// over says that the evaluation took too much and is given up.
	over *atomic.Bool

	words  map[string]bool
	tables tables

	functions map[string]function.Function
	// functionsContext has the functions only; root has all that an account can refer to.
	functionsContext, fullContext *hcl.EvalContext
	// requestFunctions has the functions of upstream blocks.
	requestFunctions *hcl.EvalContext

	// providers are those of Options and those of upstream blocks. brokenUpstreams are
	// blocks that were reported.
	providers *providers.Registry
	// inlineSpecs are the types of accounts that describe their upstream themselves.
	inlineSpecs     []*providers.Spec
	definitions     []*described.Definition
	brokenUpstreams map[string]bool
	// usedEmbedded are the embedded upstreams that accounts have asked for.
	usedEmbedded map[string]bool
	// formerTypes are the upstreams by the names that they had before.
	formerTypes map[string]formerType
	// libraries are the directories of upstreams, and libraryBlocks what is in them.
	libraries     []string
	libraryBlocks []*hcl.Block

	vars     map[string]*variable
	varValue cty.Value
	locals   map[string]*localValue
	data     map[string]*dataBlock
	nodes    map[string]*graphNode
	order    []*graphNode
	cyclic   map[string]bool

	sinks       map[string]*Sink
	sinkOrder   []*Sink
	brokenSinks map[string]bool

	// filesUsed is Config.Files as it grows.
	filesUsed *usedFiles

	// declared are the account blocks by address, kept where keepDeclared.
	declared     map[string]*declaredAccount
	keepDeclared bool

	// writtenSecrets are the secrets that stand in the configuration, where Options.Lint
	// asks for them.
	writtenSecrets []writtenSecret
	// unknown is Config.Unknown as it grows.
	unknown []Unknown
	// projectUnknown says that Config.Project is not what the files say.
	projectUnknown bool

	defaultHTTP     schema.Values
	bodySchemas     map[bodyShape]*hcl.BodySchema
	defaultValues   map[*schema.Block]*cachedValues
	variants        map[variantKey]*schema.Block
	flatTables      map[*schema.Block]*schema.Block
	providerTables  map[*providers.Spec]*schema.Block
	unknownTokens   map[*providers.Spec]cty.Value
	defaultDataKeys map[*providers.Spec][]string
	// windows are those of rotate_before, which few accounts have of their own.
	windows map[string]schema.Window
}

// tables are the language's own, made once so that their identity can be a key.
type tables struct {
	settings, audit, notify, moved, imported, variable, validation *schema.Block
	sink, state, data, deliver, account, http                      *schema.Block
	upstream, upstreamTest                                         *schema.Block
}

func newTables() tables {
	t := tables{
		settings: schema.SettingsBlock(), audit: schema.AuditBlock(), notify: schema.NotifyBlock(),
		moved: schema.MovedBlock(), imported: schema.ImportBlock(),
		variable: schema.VariableBlock(), sink: schema.SinkCommon(), state: schema.StateCommon(),
		data: schema.DataCommon(), deliver: schema.DeliverCommon(), account: schema.AccountCommon(),
		http: schema.HTTPBlock(), upstream: schema.UpstreamBlock(),
		upstreamTest: schema.UpstreamTestBlock(),
	}
	t.validation = &t.variable.Blocks[0].Block
	return t
}

func newLoader(ctx context.Context, o Options) *loader {
	return &loader{
		ctx: ctx, opts: o, report: newReporter(), reading: new(atomic.Bool), over: new(atomic.Bool),
		words: languageWords(o), tables: newTables(),
		vars: map[string]*variable{}, locals: map[string]*localValue{}, data: map[string]*dataBlock{},
		nodes: map[string]*graphNode{}, cyclic: map[string]bool{},
		filesUsed: &usedFiles{
			paths: map[string]bool{},
			sets:  map[fileSet]bool{},
		}, sinks: map[string]*Sink{}, brokenSinks: map[string]bool{},
		bodySchemas: map[bodyShape]*hcl.BodySchema{}, defaultValues: map[*schema.Block]*cachedValues{},
		variants:  map[variantKey]*schema.Block{},
		providers: o.Providers, inlineSpecs: described.InlineSpecs(), brokenUpstreams: map[string]bool{},
		usedEmbedded:   map[string]bool{},
		flatTables:     map[*schema.Block]*schema.Block{},
		providerTables: map[*providers.Spec]*schema.Block{}, unknownTokens: map[*providers.Spec]cty.Value{},
		defaultDataKeys: map[*providers.Spec][]string{},
		windows:         map[string]schema.Window{}, declared: map[string]*declaredAccount{},
	}
}

func (l *loader) getenv(name string) string {
	if l.opts.Getenv == nil {
		return ""
	}
	return l.opts.Getenv(name)
}

// Load reads, evaluates and checks a configuration. It contacts nothing but by
// Options.ReadData. It reports as many mistakes as it can find; where the list
// has errors, the configuration may be nil or incomplete and must not be used.
//
// What takes too much memory or time to evaluate is an error; see runWithinLimits.
func Load(ctx context.Context, o Options) (*Config, diag.List) {
	l := newLoader(ctx, o)
	var c *Config
	var list diag.List
	if d := runWithinLimits(o.Path, l.reading, l.over, func() { c, list = l.load() }); d != nil {
		return nil, diag.List{*d}
	}
	return c, list
}

func (l *loader) load() (*Config, diag.List) {
	blocks, sources, ok := l.readFiles()
	if !ok {
		return nil, l.report.list()
	}
	c := l.evaluateAll(blocks)
	c.Digest, c.Digests = l.digest(sources)
	c.providers, c.embedded = l.providers, l.opts.Embedded
	return c, l.report.list()
}

// configFile is one configuration file.
type configFile struct {
	path  string
	bytes []byte
}

// readFiles reads and parses the files, and sorts their blocks by type. ok is
// false where there is nothing to continue with.
func (l *loader) readFiles() (blocks map[string][]*hcl.Block, sources []configFile, ok bool) {
	files, sources, broken := l.parseFiles()
	if l.report.hasErrors() {
		return nil, nil, false
	}
	for _, d := range broken {
		l.report.add(d, nil)
	}
	if l.report.hasErrors() {
		return nil, nil, false
	}
	return l.sortBlocks(files), sources, true
}

// parseFiles reads and parses the files. files are those that have no mistake
// in their syntax; broken says what is wrong with the others.
func (l *loader) parseFiles() (files []*hcl.File, sources []configFile, broken diag.List) {
	dir, paths, problems := listFiles(l.opts.Path)
	l.dir = dir
	for _, p := range problems {
		l.report.add(p, nil)
	}
	var parsed []*hcl.File
	for _, path := range paths {
		src, unread := readSource(path)
		if unread != nil {
			broken = append(broken, *unread)
			continue
		}
		file, problems := l.parse(path, src)
		if file != nil && file.Body != nil {
			l.report.addFile(path, file)
			parsed = append(parsed, file)
			if !problems.HasErrors() {
				files = append(files, file)
			}
		}
		for _, p := range problems {
			broken = append(broken, syntaxError(p, src, strings.HasSuffix(path, ".json"), l.words))
		}
		sources = append(sources, configFile{path: path, bytes: src})
	}
	l.checkRequiredVersion(parsed)
	return files, append(sources, l.parseLibraries(parsed)...), broken
}

// sortBlocks takes the files apart.
func (l *loader) sortBlocks(files []*hcl.File) map[string][]*hcl.Block {
	blocks := map[string][]*hcl.Block{}
	root := &hcl.BodySchema{}
	for _, t := range []*schema.Block{l.tables.settings, l.tables.audit, l.tables.notify, l.tables.moved,
		l.tables.imported, l.tables.variable, schema.LocalsBlock(), l.tables.sink, l.tables.data, l.tables.account,
		l.tables.upstream} {
		root.Blocks = append(root.Blocks, hcl.BlockHeaderSchema{Type: t.Type, LabelNames: t.Labels})
	}
	// Only blocks of the wrong shape get this far; the others were taken out.
	root.Blocks = append(root.Blocks, hcl.BlockHeaderSchema{Type: "state", LabelNames: l.tables.state.Labels})
	for _, f := range files {
		states, rest := splitState(f.Body)
		blocks["state"] = append(blocks["state"], states...)
		content, problems := rest.Content(root)
		if d := foreignFile(problems); d != nil && len(states)+len(content.Blocks) == 0 {
			l.report.add(*d, problems[0].Subject)
			continue
		}
		for _, p := range problems {
			l.reportStructure(p, "")
		}
		for _, b := range content.Blocks {
			blocks[b.Type] = append(blocks[b.Type], b)
		}
	}
	return blocks
}

// evaluateAll goes through the blocks in the order in which they can depend on
// each other. It takes the account blocks out of their list.
func (l *loader) evaluateAll(blocks map[string][]*hcl.Block) *Config {
	l.functions = functions.Table(functions.Options{
		Dir: l.dir, Getenv: l.getenv, EnvIsSet: l.opts.EnvIsSet, Saw: l.filesUsed.add, SawSet: l.filesUsed.addSet,
		MissingUnknown: l.opts.AllowMissing,
	})
	l.functionsContext = &hcl.EvalContext{Functions: l.functions, Variables: map[string]cty.Value{}}
	l.defaultHTTP, _ = l.decodeAll(
		section{body: hcl.EmptyBody(), kind: "the http block"},
		l.tables.http,
		"",
		scope{ctx: l.functionsContext},
	)

	l.declareVariables(blocks["variable"])
	l.assignVariables()
	l.varValue = l.varObject()
	l.declareLocals(blocks["locals"])
	l.declareData(blocks["data"])
	l.buildGraph()
	l.evaluateLocals()
	l.declareSinks(blocks["sink"])
	c := &Config{Dir: l.dir, Sinks: l.sinkOrder, Partial: hasOtherConfigFiles(l.opts.Path)}
	c.State = l.declareState(blocks["state"])
	l.evaluateData()

	l.fullContext = l.contextOf(slices.Sorted(maps.Keys(l.nodes)))
	l.declareSettings(blocks["credsync"], c)
	c.Audit = l.declareAudit(blocks["audit"])
	c.Notify = l.declareNotify(blocks["notify"])
	l.declareUpstreams(l.upstreamBlocks(blocks["upstream"]))
	l.keepDeclared = len(blocks["moved"])+len(blocks["import"])+len(l.formerTypes) > 0
	c.Accounts = l.declareAccounts(blocks["account"])
	c.Moved = l.declareMoved(blocks["moved"])
	c.Imports = l.declareImports(blocks["import"])
	l.checkTargetConflicts(c.Accounts, c.State)
	if w, exposed := stateSharesPlaceWithTargets(c); exposed {
		l.report.add(w, nil)
	}
	l.warnWrittenSecrets()
	c.Data, c.Unknown, c.Files = l.dataSources(), l.unknown, slices.Sorted(maps.Keys(l.filesUsed.paths))
	c.fileSets = slices.Collect(maps.Keys(l.filesUsed.sets))
	slices.SortFunc(c.Sinks, func(a, b *Sink) int { return strings.Compare(a.Name, b.Name) })
	return c
}

// usedFiles are the files that expressions, which may be evaluated at the same
// time, depend on.
type usedFiles struct {
	mu    sync.Mutex
	paths map[string]bool
	sets  map[fileSet]bool
}

// fileSet is what fileset() lists: the files of a directory that match a pattern.
type fileSet struct{ dir, pattern string }

func (s *usedFiles) addSet(dir, pattern string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sets[fileSet{dir: dir, pattern: pattern}] = true
}

func (s *usedFiles) add(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paths[path] = true
}

// digest sums up the files and the variables that are not sensitive, as a whole
// and one by one. Every part goes in with its length, so that no two
// configurations look alike.
func (l *loader) digest(sources []configFile) (whole string, parts map[string]string) {
	h := sha256.New()
	parts = make(map[string]string)
	write := func(b []byte) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(b)))
		_, _ = h.Write(n[:])
		_, _ = h.Write(b)
	}
	part := func(name, title string, content []byte) {
		write([]byte(name))
		write(content)
		sum := sha256.Sum256(content)
		parts[title] = hex.EncodeToString(sum[:])
	}
	for _, s := range sources {
		name := filepath.Base(s.path)
		if rel, err := filepath.Rel(l.dir, s.path); err == nil && filepath.Dir(rel) != "." {
			name = filepath.ToSlash(rel) // of a directory of upstreams
		}
		part(name, name, s.bytes)
	}
	for _, name := range l.varNames() {
		v := l.vars[name]
		if v.sensitive || !v.value.IsWhollyKnown() {
			continue
		}
		b, err := ctyjson.Marshal(v.value, cty.DynamicPseudoType)
		if err != nil {
			b = fmt.Appendf(nil, "a value of type %s", v.value.Type().FriendlyName())
		}
		part(name, fmt.Sprintf("variable %q", name), b)
	}
	for _, name := range slices.Sorted(maps.Keys(l.usedEmbedded)) {
		part(name, fmt.Sprintf("the built-in upstream %q", name), []byte(l.opts.Embedded[name]))
	}
	return hex.EncodeToString(h.Sum(nil)), parts
}
