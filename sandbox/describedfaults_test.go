package sandbox_test

import (
	"testing"

	"github.com/credsync/credsync/sandbox"
)

// What goes wrong at an upstream does at those too that no provider is made for.
func TestFaultsHitEachOperationOfDescribedUpstreams(t *testing.T) {
	requests := map[string]map[string]request{
		"loyalty": {
			sandbox.OpLogin: loyaltyPost("login", loyaltyGood), sandbox.OpVerify: loyaltyMe("x"),
			sandbox.OpRefresh: loyaltyPost("refresh", `{"refresh_token":"x"}`),
		},
		"veeva": {
			sandbox.OpLogin: veevaGrant(veevaSecret), sandbox.OpSession: veevaSession(veevaProfile, "x", ""),
			sandbox.OpVerify: veevaMe("x"),
			sandbox.OpRevoke: with(veevaMe("x"), func(q *request) { q.method, q.path = "DELETE", "/veeva/api/v24.1/session" }),
		},
		"gitlab": {
			sandbox.OpRefresh: gitlabRotate(gitlabOwn, ""), sandbox.OpVerify: gitlabSelf("GET", gitlabOwn),
			sandbox.OpRevoke: gitlabSelf("DELETE", gitlabOwn),
		},
		"github": {
			sandbox.OpLogin: githubLogin("x", ""), sandbox.OpVerify: githubOf("GET", "/installation/repositories", "x"),
			sandbox.OpRevoke: githubOf("DELETE", "/installation/token", "x"),
		},
	}
	for upstream, operations := range requests {
		for op, q := range operations {
			t.Run(upstream+" "+op, func(t *testing.T) {
				s := timed()
				teapot := sandbox.Fault{Kind: sandbox.Status, Upstream: upstream, Op: op, Status: 418, Count: 1}
				if err := s.AddFault(teapot); err != nil {
					t.Fatal(err)
				}
				if status, body := send(t, s, q); status != 418 {
					t.Errorf("%d %s", status, body)
				}
				if len(s.Faults()) > 0 {
					t.Error("the fault is still there")
				}
			})
		}
	}
}

// A token that a fault revokes is the one that the request shows, wherever it stands in it.
func TestTokenOfARequestIsRevokedByAFault(t *testing.T) {
	s := timed()
	if err := s.AddFault(sandbox.Fault{Kind: sandbox.RevokedToken, Upstream: "gitlab", Count: 1}); err != nil {
		t.Fatal(err)
	}
	wants(t, s, 401, gitlabSelf("GET", gitlabRead))
}
