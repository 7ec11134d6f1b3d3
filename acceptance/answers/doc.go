// Package answers tries every answer that an upstream, or whatever stands before it, can
// give: a matrix of statuses and bodies for each operation of the five upstreams, with
// four runs of plan and apply for each cell, and random ones for as long as is asked.
//
// What must come of a cell is derived from a few rules (rules_test.go), which are those
// of the upstreams' documents and of docs/rotation.md, and not from what credsync does.
package answers
