//go:build acceptance

package deploy

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/credsync/credsync/testkit/servers"
	"github.com/golang-jwt/jwt/v5"
)

// gitlabJob is what the test looks at in a job of GitLab CI.
type gitlabJob struct {
	Extends      string
	Variables    map[string]string
	BeforeScript []string                        `json:"before_script"`
	IDTokens     map[string]struct{ Aud string } `json:"id_tokens"`
	Script       []string
	Artifacts    struct{ Paths []string }
}

func TestGitLabCI(t *testing.T) {
	r := newRunner(t, "gitlab", "https://gitlab.com")
	file := objects(t, read(t, ci+"gitlab-ci.yml"))[0]
	branch := jwt.MapClaims{"project_path": "acme/credentials", "ref": "feature", "ref_type": "branch", "ref_protected": "false"}
	main := jwt.MapClaims{"project_path": "acme/credentials", "ref": "main", "ref_type": "branch", "ref_protected": "true"}
	r.follow(pipeline{
		plan:        func() error { return r.gitlabJob(file, "plan", branch) },
		apply:       func() error { return r.gitlabJob(file, "apply", main) },
		applyAsPlan: func() error { return r.gitlabJob(file, "apply", branch) },
	})
	for _, path := range gitlab(t, file, "plan").Artifacts.Paths {
		if r.left(path) == "" {
			t.Errorf("there is no %s to keep", path)
		}
	}
}

// gitlab is a job with what it extends.
func gitlab(t *testing.T, file servers.Object, name string) gitlabJob {
	t.Helper()
	o, ok := file[name].(servers.Object)
	if !ok {
		t.Fatalf("there is no job %s", name)
	}
	job := as[gitlabJob](t, o)
	if job.Extends == "" {
		return job
	}
	base := gitlab(t, file, job.Extends)
	variables := maps.Clone(base.Variables)
	maps.Copy(variables, job.Variables)
	job.Variables, job.BeforeScript = variables, base.BeforeScript
	return job
}

// gitlabJob runs a job, whose lines share one shell.
func (r *runner) gitlabJob(file servers.Object, name string, claims jwt.MapClaims) error {
	r.t.Helper()
	job := gitlab(r.t, file, name)
	env := map[string]string{"GITLAB_CI": "true", "CI_PROJECT_DIR": r.checkout, "VAULT_ADDR": r.vault.Address, "CREDSYNC_VERSION": "v" + release}
	given := maps.Clone(env)
	for key, value := range job.Variables {
		env[key] = os.Expand(value, func(name string) string { return given[name] })
	}
	for variable, token := range job.IDTokens {
		env[variable] = r.token(token.Aud, claims)
	}
	lines := slices.Concat(job.BeforeScript, job.Script)
	if err := os.RemoveAll(filepath.Join(r.checkout, ".bin")); err != nil {
		r.t.Fatal(err)
	}
	return r.bash(strings.Join(lines, "\n"), env)
}
