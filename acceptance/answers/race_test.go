//go:build race

package answers

// every leaves out more here: the race detector makes each cell several times as slow, and
// the cells run one after another.
var every = muchFewer
