package servers

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/credsync/credsync/testkit/port"
	"github.com/credsync/credsync/testkit/servers/binary"
	"github.com/hashicorp/vault/api"
)

// electionTimeout bounds the wait for an active node, on a busy machine.
const electionTimeout = 2 * time.Minute

// VaultNodes are the nodes of a highly available Vault with integrated storage.
type VaultNodes struct {
	// Nodes share their root token and their data. Which of them is active
	// changes.
	Nodes []*VaultServer

	tb testing.TB
}

// VaultCluster starts a Vault of several nodes, which has KV version 2 at
// "secret". It speaks no TLS to its clients. As long as more than half of its
// nodes run, one of them becomes active.
func VaultCluster(t testing.TB, nodes int) *VaultNodes {
	t.Helper()
	c := &VaultNodes{tb: t}
	for i := range nodes {
		c.Nodes = append(c.Nodes, newRaftNode(t, fmt.Sprintf("node-%d", i)))
	}
	first := c.Nodes[0]
	first.Start()
	first.initialize()
	first.Unseal()
	// A node has no vote until it has been well for that long, ten seconds where
	// nothing is said.
	first.MustWrite("sys/storage/raft/autopilot/configuration", map[string]any{"server_stabilization_time": "1s"})
	for _, v := range c.Nodes[1:] {
		v.Start()
		if _, err := v.Client().Sys().RaftJoinWithContext(t.Context(),
			&api.RaftJoinRequest{LeaderAPIAddr: first.Address}); err != nil {
			t.Fatalf("have %s join the cluster: %v", v.Address, err)
		}
		v.RootToken, v.unsealKey = first.RootToken, first.unsealKey
		v.unsealAsStandby()
	}
	c.awaitVoters()
	first.MustWrite("sys/mounts/secret", map[string]any{"type": "kv", "options": map[string]any{"version": "2"}})
	return c
}

// awaitVoters waits until every node has a vote. Before that none could take
// the first one's place.
func (c *VaultNodes) awaitVoters() {
	c.tb.Helper()
	first := c.Nodes[0]
	deadline := time.Now().Add(electionTimeout)
	for time.Now().Before(deadline) {
		voters := 0
		if state, err := first.Client().Sys().RaftAutopilotState(); err == nil && state != nil {
			voters = len(state.Voters)
		}
		if voters == len(c.Nodes) {
			return
		}
		time.Sleep(pollInterval)
	}
	c.tb.Fatalf("the nodes of Vault have no vote after %s", electionTimeout)
}

// newRaftNode is a node that does not run yet.
func newRaftNode(t testing.TB, name string) *VaultServer {
	t.Helper()
	dir := t.TempDir()
	listen, cluster := fmt.Sprintf("127.0.0.1:%d", port.Reserve(t)), fmt.Sprintf("127.0.0.1:%d", port.Reserve(t))
	v := &VaultServer{Address: "http://" + listen, tb: t, program: program(t, binary.Vault), log: logFile(t, "vault-"+name)}
	data, config := filepath.Join(dir, "data"), filepath.Join(dir, "vault.hcl")
	text := fmt.Sprintf(`
		disable_mlock = true
		api_addr      = %q
		cluster_addr  = "https://%s"
		storage "raft" {
		  path    = %q
		  node_id = %q
		  # An election is held after five seconds instead of fifteen.
		  performance_multiplier = 1
		}
		listener "tcp" {
		  address         = %q
		  cluster_address = %q
		  tls_disable     = true
		}
	`, v.Address, cluster, data, name, listen, cluster)
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	v.args = []string{"server", "-config=" + config}
	return v
}

// unsealAsStandby unseals a node that others may be active beside.
func (v *VaultServer) unsealAsStandby() {
	v.tb.Helper()
	// A node that joins answers before it has the data that says how to unseal
	// it, and is unsealed once the others have taken it up.
	deadline := time.Now().Add(electionTimeout)
	for {
		status, err := v.Client().Sys().UnsealWithContext(v.tb.Context(), v.unsealKey)
		if err == nil && !status.Sealed {
			return
		}
		if time.Now().After(deadline) {
			v.tb.Fatalf("unseal %s: %v", v.Address, err)
		}
		time.Sleep(pollInterval)
	}
}

// Restart runs a node again that was stopped, and unseals it.
func (c *VaultNodes) Restart(v *VaultServer) {
	c.tb.Helper()
	v.Start()
	v.unsealAsStandby()
}

// Settled waits until one node is active and every other that runs knows it;
// it returns the active one and another.
func (c *VaultNodes) Settled(running ...*VaultServer) (active, standby *VaultServer) {
	c.tb.Helper()
	if len(running) == 0 {
		running = c.Nodes
	}
	deadline := time.Now().Add(electionTimeout)
	for time.Now().Before(deadline) {
		if active, standby = settled(running); active != nil {
			return active, standby
		}
		time.Sleep(pollInterval)
	}
	c.tb.Fatalf("the nodes of Vault have not agreed on an active one within %s", electionTimeout)
	return nil, nil
}

func settled(nodes []*VaultServer) (active, standby *VaultServer) {
	for _, v := range nodes {
		health, err := v.Client().Sys().Health()
		switch {
		case err != nil || !health.Initialized || health.Sealed:
			return nil, nil
		case health.Standby:
			standby = v
		case active != nil:
			// One of the two has not noticed yet that it is no longer active.
			return nil, nil
		default:
			active = v
		}
	}
	if active == nil {
		return nil, nil
	}
	for _, v := range nodes {
		if told, err := v.Client().Sys().Leader(); err != nil || told.LeaderAddress != active.Address {
			return nil, nil
		}
	}
	return active, standby
}

// StepDown has the active node give its place up to another.
func (v *VaultServer) StepDown() {
	v.tb.Helper()
	if err := v.Client().Sys().StepDownWithContext(v.tb.Context()); err != nil {
		v.tb.Fatalf("have %s step down: %v", v.Address, err)
	}
}

// Kill ends the server's process without giving it time to tell anyone.
func (v *VaultServer) Kill() {
	v.tb.Helper()
	if err := v.process.signal(syscall.SIGKILL); err != nil {
		v.tb.Fatalf("kill %s: %v", v.Address, err)
	}
	v.process.stop()
}
