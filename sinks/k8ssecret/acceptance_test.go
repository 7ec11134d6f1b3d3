//go:build acceptance

package k8ssecret

import (
	"testing"

	"github.com/credsync/credsync/testkit/servers"
)

func TestKubernetes(t *testing.T) {
	start := func(t *testing.T) *servers.KubernetesServer { return servers.Kubernetes(t) }
	k := start(t)
	for name, test := range map[string]func(*testing.T, *cluster){
		"Conformance":                  testConformance,
		"ConformanceState":             testConformanceState,
		"ConformanceLeastPrivilege":    testConformanceLeastPrivilege,
		"MarksInTheSameWrite":          testMarks,
		"OthersMetadataIsNotDrift":     testNoFalseDrift,
		"ChangedAndMissingKeysAre":     testDrift,
		"OthersKeysAreReplaced":        testReplacesOthersKeys,
		"DroppedLabelsGo":              testDroppedLabels,
		"MergeKeepsOtherAccounts":      testMergeOfTwoAccounts,
		"AppliedByAnother":             testContested,
		"EditedByHandIsRepaired":       testEditedByHand,
		"NamesTheOwner":                testNamesTheOwner,
		"Immutable":                    testImmutable,
		"BeingDeleted":                 testBeingDeleted,
		"MissingNamespace":             testMissingNamespace,
		"NamespaceBeingDeleted":        testTerminatingNamespace,
		"TypeIsKept":                   testType,
		"TooLargeOrMisnamed":           testRefusedBeforeSending,
		"RecreatedIsAnotherVersion":    testRecreated,
		"OneClusterIsOnePlace":         testPlaces,
		"LabelDoesNotHinderAWrite":     testLabelMeanwhile,
		"DeniedNamesTheRule":           testDenied,
		"Preflight":                    testPreflight,
		"PreflightAsksThePolicies":     testPreflightPolicy,
		"PreflightOfTypedSecrets":      testPreflightTyped,
		"PreflightOfRestarts":          testPreflightRestarts,
		"PreflightInOneRequestMore":    testPreflightRequests,
		"ExpiredIdentity":              testExpired,
		"Impersonation":                testImpersonation,
		"ExecPlugin":                   testExecPlugin,
		"ClientCertificate":            testClientCertificate,
		"ServiceAccountOfAPod":         testPod,
		"RecordsAreWrittenAtOnce":      testRecordInOneRequest,
		"StateIsListedPageByPage":      testPages,
		"ManyTargetsAreLookedAtAtOnce": testStatMany,
		"StateOfAnotherPrefixIsHidden": testPrefixes,
		"WorkloadsAreRestartedOnce":    testRestarts,
	} {
		t.Run(name, func(t *testing.T) { test(t, newCluster(t, k, start)) })
	}
	t.Run("Restart", func(t *testing.T) { testRestart(t, newCluster(t, k, start)) })
}
