// Package edits edits a configuration at random, for a long time, and applies it with
// the built program to a Vault, an API server and files, as a team does over years. Some
// runs are killed. engine has the same walk over sinks in memory, which sees each
// operation; here the sinks, the servers and the command are real.
//
// A walk that fails prints its kind and its seed; see CREDSYNC_WALK in walk_test.go.
package edits
