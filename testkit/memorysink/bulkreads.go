package memorysink

import (
	"context"
	"maps"
	"strings"

	"github.com/credsync/credsync/sinks"
)

// The operations of a Bulk sink, as Fail, Lose and Calls name them.
const (
	Scan     = "scan"
	StatMany = "stat many"
)

// Bulk is a sink that also reads and looks at many places at once, as
// Kubernetes' can.
type Bulk struct{ *Sink }

var (
	_ sinks.Scanner     = Bulk{}
	_ sinks.BulkStatter = Bulk{}
)

// Scan implements sinks.Scanner.
func (s Bulk) Scan(ctx context.Context, prefix sinks.Target, yield func(sinks.Target, sinks.Object) error) error {
	type found struct {
		t sinks.Target
		o sinks.Object
	}
	var all []found
	err := s.do(ctx, Scan, []sinks.Target{prefix}, func() error {
		for path, o := range s.objects {
			name, below := strings.CutPrefix(path, prefix.Path+"/")
			if below && o.exists && !strings.Contains(name, "/") {
				all = append(all, found{
					sinks.Target{Path: path, Location: prefix.Location + "/" + name},
					sinks.Object{Data: maps.Clone(o.data), Version: o.versionString()},
				})
			}
		}
		return nil
	})
	for _, f := range all {
		if err == nil {
			err = yield(f.t, f.o)
		}
	}
	return err
}

// StatMany implements sinks.BulkStatter. It reports what exists.
func (s Bulk) StatMany(ctx context.Context, targets []sinks.Target, found func(i int, info sinks.Info)) {
	if len(targets) == 0 {
		return
	}
	infos := make([]sinks.Info, len(targets))
	err := s.do(ctx, StatMany, targets, func() error {
		for i, t := range targets {
			o := s.objects[t.Path]
			infos[i] = infoOf(t, o)
		}
		return nil
	})
	if err != nil {
		return
	}
	for i, info := range infos {
		if info.Exists {
			found(i, info)
		}
	}
}
