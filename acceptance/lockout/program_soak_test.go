//go:build acceptance && soak

package lockout

import "testing"

// TestSoakManyProcesses makes a thousand applies of each account's first
// refusal, by processes.
func TestSoakManyProcesses(t *testing.T) { manyProcesses(t, newRefusedWorkspace(t), 1000/runners) }

// TestSoakDaemon has it look for minutes.
func TestSoakDaemon(t *testing.T) { daemons(t, 30) }
