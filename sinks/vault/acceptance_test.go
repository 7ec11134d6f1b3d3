//go:build acceptance

package vault_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/servers"
)

func TestVault(t *testing.T) {
	v := servers.Vault(t)
	for name, test := range map[string]func(*testing.T, *servers.VaultServer){
		"ConformanceKV2":            testConformanceKV2,
		"ConformanceKV2State":       testConformanceState,
		"ConformanceKV1":            testConformanceKV1,
		"ConformanceLeastPrivilege": testConformanceLeastPrivilege,
		"RotationIsOneWrite":        testRotationIsOneWrite,
		"SoftDeleted":               testSoftDeleted,
		"DestroyedIsDeletedWhole":   testDestroyed,
		"VersionIsTheSameToAll":     testVersions,
		"OneClusterIsOnePlace":      testPlaces,
		"ClaimKeepsOtherMetadata":   testClaimKeepsOtherMetadata,
		"ClaimIsTakenBack":          testClaimIsTakenBack,
		"WriterKeepsTheMark":        testWriterKeepsTheMark,
		"OddPaths":                  testOddPaths,
		"MissingMount":              testMissingMount,
		"WrongKindOfMount":          testWrongKindOfMount,
		"KV1CannotKeepTheState":     testKV1State,
		"KV1Unreadable":             testKV1Unreadable,
		"Preflight":                 testPreflight,
		"MountIsAPathInsideOne":     testPathInsideMount,
		"StateThatDoesNotLast":      testStateLasts,
		"DeniedNamesThePolicy":      testDenied,
		"ReadsOtherTypes":           testReadsOtherTypes,
		"AppRole":                   testAppRole,
		"JWT":                       testJWT,
		"Kubernetes":                testKubernetes,
		"WrongRole":                 testWrongRole,
		"RevokedToken":              testRevokedToken,
		"RevokedGivenToken":         testRevokedGivenToken,
		"Renewal":                   testRenewal,
		"RenewalOfAGivenToken":      testRenewalOfAGivenToken,
		"DenialIsNotALogin":         testDenialIsNotALogin,
	} {
		t.Run(name, func(t *testing.T) { test(t, v) })
	}
}

func TestDurableVault(t *testing.T) {
	v := servers.DurableVault(t)
	c := root(v, "secret")
	c.attrs["ca_pem"] = v.CA.PEM
	s, target := c.open(t), c.target(t, "a", false)
	version, err := s.Write(t.Context(), target, sinks.Write{Data: secrets("k", "value-1")})
	if err != nil {
		t.Fatal(err)
	}

	t.Run("UnknownAuthority", func(t *testing.T) {
		other := root(v, "secret")
		_, err := other.open(t).Stat(t.Context(), target)
		if !errors.Is(err, sinks.ErrUnavailable) || !strings.Contains(err.Error(), "ca_pem") {
			t.Errorf("Stat = %v", err)
		}
	})
	t.Run("CertificateLogin", func(t *testing.T) { testCert(t, v) })
	t.Run("Sealed", func(t *testing.T) {
		v.Seal()
		for _, sink := range []sinks.Sink{s, c.open(t)} {
			_, err := sink.Write(t.Context(), target, sinks.Write{Data: secrets("k", "canary-value"), If: version})
			if !errors.Is(err, sinks.ErrUnavailable) || !strings.Contains(err.Error(), "unseal") ||
				strings.Contains(err.Error(), "canary") {
				t.Errorf("Write while sealed = %v", err)
			}
		}
		// Its address would be another place than its cluster.
		if p, err := c.open(t).Place(t.Context(), target); !errors.Is(err, sinks.ErrUnavailable) ||
			!strings.Contains(err.Error(), "unseal") ||
			p != "" {
			t.Errorf("Place while sealed = %q, %v", p, err)
		}
		v.Unseal()
	})
	t.Run("Restart", func(t *testing.T) {
		a := appRole(v, v.Address, "restart", "1h")
		a.attrs["ca_pem"] = v.CA.PEM
		logged := works(t, a)
		v.Stop()
		if _, err := logged.Stat(t.Context(), target); !errors.Is(err, sinks.ErrUnavailable) {
			t.Errorf("Stat of a stopped Vault = %v", err)
		}
		v.Start()
		v.Unseal()
		v.MustWrite("sys/leases/revoke-prefix/auth/approle/login", nil)
		if _, err := logged.Stat(t.Context(), target); err != nil {
			t.Errorf("Stat after the restart: %v", err)
		}
	})
	if got, err := s.Stat(t.Context(), target); err != nil || got.Version != version {
		t.Errorf("Stat = %+v, %v; want version %s", got, err, version)
	}
}
