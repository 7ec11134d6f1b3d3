package sinks

import (
	"context"
	"time"
)

// clusterBelieved is for how long what a server said of its cluster is believed: a
// daemon's connection can come to lead to another one.
const clusterBelieved = 10 * time.Minute

// Cluster finds out what the cluster behind a connection is called, which is a part of
// each of its places. It may be used concurrently; the server is asked by one caller at
// a time.
type Cluster struct {
	named string
	now   func() time.Time
	ask   func(context.Context) (string, error)
	// turn guards what follows.
	turn    chan struct{}
	id      string
	askedAt time.Time
}

// NewCluster returns a cluster that is called as the sink block says, or as ask says
// where named is "". A failure of ask is not remembered.
func NewCluster(named string, now func() time.Time, ask func(context.Context) (string, error)) *Cluster {
	return &Cluster{named: named, now: now, ask: ask, turn: make(chan struct{}, 1)}
}

// ID returns what the cluster is called. Its errors are those of ask and of the context.
func (c *Cluster) ID(ctx context.Context) (string, error) {
	if c.named != "" {
		return c.named, nil
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if c.id != "" && c.now().Before(c.askedAt.Add(clusterBelieved)) {
		return c.id, nil
	}
	id, err := c.ask(ctx)
	if err != nil {
		return "", err
	}
	c.id, c.askedAt = id, c.now()
	return id, nil
}
