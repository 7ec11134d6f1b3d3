// Package bench measures whole runs of credsync against a floor: a plain
// net/http client with keep-alive that sends the least requests that the same
// work needs, at the same concurrency, in the same run, to the same servers.
//
// "make bench" runs it, with the build tag bench, and prints the table that
// docs/performance.md keeps. Nothing here asserts a time: figures are ratios,
// of a machine that may be busy with other things.
package bench
