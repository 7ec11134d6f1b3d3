package monitoring

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/credsync/credsync/metrics"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// history is what Prometheus would have after scraping a collector once a
// minute. It is a storage.Queryable.
type history map[string]*scraped

type scraped struct {
	labels  labels.Labels
	samples []chunks.Sample
}

// scrape takes what a collector shows at a moment, as it is served.
func (h history) scrape(t *testing.T, c *metrics.Collector, at time.Time) {
	t.Helper()
	families, err := c.Registry(true).Gather()
	if err != nil {
		t.Fatal(err)
	}
	vector, err := expfmt.ExtractSamples(
		&expfmt.DecodeOptions{Timestamp: model.TimeFromUnixNano(at.UnixNano())},
		families...)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range vector {
		b := labels.NewBuilder(labels.FromStrings("instance", "credsync:9090", "job", "credsync"))
		for name, value := range s.Metric {
			b.Set(string(name), string(value))
		}
		l := b.Labels()
		if h[l.String()] == nil {
			h[l.String()] = &scraped{labels: l}
		}
		h[l.String()].samples = append(h[l.String()].samples, sample{at.UnixMilli(), float64(s.Value)})
	}
}

// sample is one value.
type sample struct {
	t int64
	f float64
}

func (s sample) T() int64                      { return s.t }
func (s sample) ST() int64                     { return 0 }
func (s sample) F() float64                    { return s.f }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }

// Querier implements storage.Queryable.
func (h history) Querier(int64, int64) (storage.Querier, error) { return querier{h}, nil }

type querier struct{ history }

func (q querier) Select(
	_ context.Context,
	_ bool,
	_ *storage.SelectHints,
	matchers ...*labels.Matcher,
) storage.SeriesSet {
	set := &seriesSet{}
	for _, key := range slices.Sorted(maps.Keys(q.history)) {
		s := q.history[key]
		if slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(s.labels.Get(m.Name)) }) {
			continue
		}
		set.list = append(set.list, storage.NewListSeries(s.labels, s.samples))
	}
	return set
}

func (querier) LabelValues(
	context.Context,
	string,
	*storage.LabelHints,
	...*labels.Matcher,
) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

func (querier) LabelNames(
	context.Context,
	*storage.LabelHints,
	...*labels.Matcher,
) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

func (querier) Close() error { return nil }

type seriesSet struct {
	list []storage.Series
	next int
}

func (s *seriesSet) Next() bool                        { s.next++; return s.next <= len(s.list) }
func (s *seriesSet) At() storage.Series                { return s.list[s.next-1] }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }
