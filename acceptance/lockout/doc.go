// Package lockout counts, at the upstreams, what every documented refusal costs:
// how many attempts hundreds of applies by several runners make, and what lifts
// a refusal, how often.
package lockout
