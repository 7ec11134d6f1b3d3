package daemon

import (
	"context"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/schema/diag"
	"github.com/hashicorp/go-hclog"
)

const (
	// pollEvery is how often the files are compared. A change is acted on when
	// they have stayed the same for one more time, since files are not
	// replaced all at once.
	pollEvery = time.Second
	// inputsFresh is for how long inputs are used without reading them again
	// before a token is asked for.
	inputsFresh = 30 * time.Second
	// loadWithin bounds the reading, inputs included.
	loadWithin = time.Minute
	// loadAgain is the first and the longest pause before the configuration is
	// read again where its inputs could not be.
	loadAgain, loadAgainLongest = time.Second, 30 * time.Second
)

// hangup is the cause of a reading that was asked for.
const hangup = "SIGHUP"

// generation is one configuration at work. It is closed when it is no longer
// the current one and no worker uses it.
type generation struct {
	*Loaded
	// at is when it was read.
	at time.Time

	users   int
	retired bool
}

// change is what the loop learns about a new configuration.
type change struct {
	engine.Changes
	// files says that the files differ, and not only the inputs.
	files bool
}

// useCurrent returns the current configuration, or nil, and what to call when done
// with it.
func (d *Daemon) useCurrent() (g *generation, done func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	g = d.current
	if g == nil {
		return nil, func() {}
	}
	g.users++
	return g, func() {
		d.mu.Lock()
		g.users--
		last := g.retired && g.users == 0
		d.mu.Unlock()
		if last {
			g.Close()
		}
	}
}

// retire closes the current configuration when nothing uses it any longer.
func (d *Daemon) retire() { d.replace(nil) }

func (d *Daemon) replace(g *generation) {
	d.mu.Lock()
	old := d.current
	d.current = g
	last := false
	if old != nil {
		old.retired, last = true, old.users == 0
	}
	d.mu.Unlock()
	if last {
		old.Close()
	}
}

// loadFirst reads the configuration for the first time. What is wrong in the files
// ends the daemon; inputs that cannot be read do not.
func (d *Daemon) loadFirst(ctx context.Context) diag.List {
	if diags := d.Check(ctx); diags.HasErrors() {
		return diags
	}
	d.load(ctx, "start", false)
	return nil
}

// load reads the configuration and puts it in place of the one before, unless
// it is wrong.
func (d *Daemon) load(ctx context.Context, why string, inputs bool) {
	d.loading.Lock()
	defer d.loading.Unlock()
	d.loadLocked(ctx, why, inputs)
}

func (d *Daemon) loadLocked(ctx context.Context, why string, inputs bool) {
	old, done := d.useCurrent()
	defer done()
	at := d.Now()
	before := d.fingerprints(old)
	reading, cancel := context.WithTimeout(ctx, loadWithin)
	defer cancel()
	loaded, diags := d.Load(reading, inputs)
	if ctx.Err() != nil {
		if loaded != nil {
			loaded.Close()
		}
		return
	}
	d.reading.attempt(at, before)
	if loaded == nil {
		// What is wrong in the files does not go away by itself.
		inFiles := d.Check(ctx).HasErrors()
		d.reading.failed(at, !inFiles)
		d.brokenConfig(why, diags, old != nil)
		return
	}
	g := &generation{Loaded: loaded, at: at}
	d.reading.succeeded(d.fingerprints(g))
	d.replace(g)
	c := change{files: true}
	if old == nil {
		c.Added = loaded.Engine.Addresses(d.Shard)
		d.logDiagnostics(diags)
		d.Log.Info("configuration loaded", "accounts", len(c.Added), "project", loaded.Config.Project)
	} else {
		c.Changes = engine.ChangesBetween(old.Config, loaded.Config)
		c.files = old.Config.Digest != loaded.Config.Digest
		d.logChange(why, c, diags)
	}
	d.configGood(at)
	d.tellLoop(c)
}

// tellLoop hands the loop a change, together with one that it has not taken yet.
func (d *Daemon) tellLoop(c change) {
	for {
		select {
		case d.reloaded <- c:
			return
		case earlier := <-d.reloaded:
			c.Added = append(earlier.Added, c.Added...)
			c.Changed = append(earlier.Changed, c.Changed...)
			c.Removed = append(earlier.Removed, c.Removed...)
			c.files = c.files || earlier.files
		}
	}
}

func (d *Daemon) brokenConfig(why string, diags diag.List, running bool) {
	message := "the configuration cannot be used; trying again"
	if running {
		message = "the new configuration cannot be used; keeping the previous one"
	}
	d.Log.Error(message, "cause", why)
	d.logDiagnostics(diags)
	d.configBroken(diags)
}

func (d *Daemon) logChange(why string, c change, diags diag.List) {
	if !c.files && c.Empty() {
		level := hclog.Debug
		if why == hangup || d.wasBroken() {
			level = hclog.Info
		}
		d.Log.Log(level, "configuration reloaded; nothing has changed", "cause", why)
		return
	}
	d.logDiagnostics(diags)
	args := []any{"cause", why}
	for _, l := range []struct {
		name      string
		addresses []string
	}{{"added", c.Added}, {"changed", c.Changed}, {"removed", c.Removed}} {
		if len(l.addresses) > 0 {
			args = append(args, l.name, l.addresses)
		}
	}
	if c.Empty() {
		args = append(args, "accounts", "unchanged")
	}
	d.Log.Info("configuration reloaded", args...)
}

// logDiagnostics writes each one in a line, with its place in the files.
func (d *Daemon) logDiagnostics(diags diag.List) {
	for _, one := range diags {
		level := hclog.Warn
		if one.Severity == diag.Error {
			level = hclog.Error
		}
		args := []any{"detail", one.Detail}
		if one.Address != "" {
			args = append(args, "address", one.Address)
		}
		if at := sourcePlace(one); at != "" {
			args = append(args, "at", at)
		}
		d.Log.Log(level, one.Summary, args...)
	}
}

// withInputs returns a configuration whose inputs are fresh enough to ask for a
// token with: a password may have been changed where it is read from, and the
// old one must not be tried. Where they cannot be read, those at hand are used.
func (d *Daemon) withInputs(ctx context.Context) (*generation, func()) {
	d.loading.Lock()
	defer d.loading.Unlock()
	g, done := d.useCurrent()
	if g == nil || len(g.Config.Data) == 0 || d.Now().Sub(d.reading.at) < inputsFresh {
		return g, done
	}
	done()
	d.loadLocked(ctx, "inputs", true)
	return d.useCurrent()
}

// fileReading is what is known of the files and of the last time they were read.
// It is guarded by Daemon.loading.
type fileReading struct {
	// at is when they were last read; tried how they were then.
	at    time.Time
	tried fingerprints
	// failures counts reads in a row that failed; again is when to try again
	// though no file has changed, zero for not.
	failures int
	again    time.Time
}

func (r *fileReading) attempt(at time.Time, files fingerprints) { r.at, r.tried = at, files }

func (r *fileReading) failed(at time.Time, mayPass bool) {
	r.failures++
	r.again = time.Time{}
	if mayPass {
		r.again = at.Add(min(loadAgainLongest, loadAgain<<min(r.failures-1, 10)))
	}
}

// succeeded takes the files of the configuration that was read, which may be
// others than those of the one before.
func (r *fileReading) succeeded(now fingerprints) {
	r.failures, r.again = 0, time.Time{}
	r.tried = r.tried.with(now, r.at)
}

// watchFiles reads the configuration again when its files change, when it is asked to
// and, if it has inputs, from time to time.
func (d *Daemon) watchFiles(ctx context.Context) {
	ticker := time.NewTicker(d.Poll)
	defer ticker.Stop()
	var seen fingerprints
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.Hangup:
			d.load(ctx, hangup, false)
		case <-ticker.C:
			seen = d.compareFiles(ctx, seen)
		}
	}
}

// compareFiles compares the files with how they were seen before, and returns how they
// are.
func (d *Daemon) compareFiles(ctx context.Context, seen fingerprints) fingerprints {
	d.loading.Lock()
	defer d.loading.Unlock()
	g, done := d.useCurrent()
	files := d.fingerprints(g)
	inputs := g != nil && len(g.Config.Data) > 0
	done()
	now, r := d.Now(), &d.reading
	switch {
	case files.same(seen) && !files.same(r.tried):
		d.loadLocked(ctx, "files changed", false)
	case !r.again.IsZero() && !now.Before(r.again):
		d.loadLocked(ctx, "trying again", false)
	case inputs && r.again.IsZero() && now.Sub(r.at) >= d.CheckEvery:
		d.loadLocked(ctx, "inputs", true)
	}
	return files
}
