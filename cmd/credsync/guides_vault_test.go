//go:build acceptance && unix

package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/credsync/credsync/testkit/servers"
	"github.com/credsync/credsync/testkit/servers/binary"
)

// shownVault is the Vault of the guides.
const shownVault = "https://vault.example.com:8200"

func TestGuidesWithVault(t *testing.T) {
	program, err := binary.Find(context.Background(), binary.Vault, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range vaultGuides {
		t.Run(name, func(t *testing.T) {
			g := newGuide(t, name)
			g.useVault(servers.DurableVault(t), program)
			g.run()
		})
	}
}

// useVault makes the reader one who may do everything there, by the vault
// command.
func (g *guide) useVault(vault *servers.VaultServer, program string) {
	bin := filepath.Join(g.home, "bin")
	ca := filepath.Join(g.home, "ca.pem")
	if err := os.Mkdir(bin, 0o700); err != nil {
		g.t.Fatal(err)
	}
	if err := os.Symlink(program, filepath.Join(bin, "vault")); err != nil {
		g.t.Fatal(err)
	}
	if err := os.WriteFile(ca, []byte(vault.CA.PEM), 0o600); err != nil {
		g.t.Fatal(err)
	}
	g.env["PATH"] = bin + string(os.PathListSeparator) + os.Getenv("PATH")
	g.env["VAULT_ADDR"], g.env["VAULT_TOKEN"], g.env["VAULT_CACERT"] = vault.Address, vault.RootToken, ca
	g.real[shownVault] = vault.Address
	g.words["seal"] = func([]string) { vault.Seal() }
	g.words["unseal"] = func([]string) { vault.Unseal() }
	g.words["seal-during-login"] = func([]string) { g.sealDuringLogin(vault) }
}

// sealDuringLogin seals Vault when the next login arrives, and interrupts the
// command that made it once it has written the emergency file.
func (g *guide) sealDuringLogin(vault *servers.VaultServer) {
	var once sync.Once
	sealed := make(chan struct{})
	stop := g.sandbox.OnReceived(func() {
		once.Do(func() { vault.Seal(); close(sealed) })
	})
	g.during = func(group int) {
		go func() {
			defer stop()
			<-sealed
			deadline := time.Now().Add(time.Minute)
			for ; time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
				entries, err := os.ReadDir(filepath.Join(g.dir, ".credsync", "emergency"))
				if err == nil && len(entries) > 0 && !strings.HasPrefix(entries[0].Name(), ".") {
					_ = syscall.Kill(-group, syscall.SIGINT)
					return
				}
			}
		}()
	}
}
