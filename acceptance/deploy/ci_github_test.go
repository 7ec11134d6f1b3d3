//go:build acceptance

package deploy

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// workflow is what the test looks at in a GitHub Actions workflow.
type workflow struct {
	Env  map[string]string
	Jobs map[string]struct {
		Permissions map[string]string
		Environment string
		Env         map[string]string
		Steps       []struct {
			Name, Run, If string
			Env           map[string]string
		}
	}
}

// requestToken is what a job proves itself with when it asks for a token.
const requestToken = "canary-request-token"

func TestGitHubActions(t *testing.T) {
	r := newRunner(t, "github", "https://token.actions.githubusercontent.com")
	w := as[workflow](t, objects(t, read(t, ci+"github-actions.yml"))[0])
	pull, production := "repo:acme/credentials:pull_request", "repo:acme/credentials:environment:"+w.Jobs["apply"].Environment
	var comments []string
	r.follow(pipeline{
		plan: func() error {
			err := r.githubJob(w, "plan", pull)
			comments = append(comments, r.left("comment.md"))
			return err
		},
		apply:       func() error { return r.githubJob(w, "apply", production) },
		applyAsPlan: func() error { return r.githubJob(w, "apply", pull) },
	})
	// The last plan is of a configuration that is not formatted.
	if n := len(comments); n < 2 || !strings.Contains(comments[n-2], "No changes") || !strings.Contains(comments[n-1], "+locals {}") {
		t.Errorf("the comments are\n%s", strings.Join(comments, "\n"))
	}
}

// githubJob runs a job's steps in order, each in a shell of its own.
func (r *runner) githubJob(w workflow, name, subject string) error {
	r.t.Helper()
	job := w.Jobs[name]
	if len(job.Steps) == 0 {
		r.t.Fatalf("there is no job %s", name)
	}
	env := map[string]string{
		"GITHUB_ACTIONS": "true", "RUNNER_TEMP": r.temp,
		"GITHUB_PATH": filepath.Join(r.temp, "path"), "GITHUB_STEP_SUMMARY": filepath.Join(r.temp, "summary"),
	}
	if job.Permissions["id-token"] == "write" {
		env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = requestToken
		env["ACTIONS_ID_TOKEN_REQUEST_URL"] = r.tokenEndpoint(subject) + "/token?api-version=2.0"
	}
	for _, block := range []map[string]string{w.Env, job.Env} {
		for key, value := range block {
			env[key] = r.expression(value)
		}
	}
	var failed error
	for _, step := range job.Steps {
		if step.Run == "" || failed != nil && step.If != "${{ !cancelled() }}" {
			continue
		}
		one := maps.Clone(env)
		maps.Copy(one, step.Env)
		one["PATH"] = strings.Join([]string{filepath.Join(r.temp, "bin"), r.tools, "/usr/local/bin", "/usr/bin", "/bin"}, ":")
		if err := r.bash(step.Run, one); err != nil && failed == nil {
			failed = fmt.Errorf("%s: %w", step.Name, err)
		}
		if step.Name == "Install credsync" {
			wantLine(r, env["GITHUB_PATH"], filepath.Join(r.temp, "bin"))
		}
	}
	return failed
}

// wantLine looks for a line in a file that steps talk to the runner by.
func wantLine(r *runner, path, line string) {
	r.t.Helper()
	if text := read(r.t, path); !strings.Contains(text, line+"\n") {
		r.t.Errorf("%s has %q, want the line %s", filepath.Base(path), text, line)
	}
}

// tokenEndpoint is GitHub's, for a job with that subject.
func (r *runner) tokenEndpoint(subject string) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		audience := req.URL.Query().Get("audience")
		if req.Method != http.MethodGet || req.Header.Get("Authorization") != "bearer "+requestToken ||
			audience == "" ||
			req.URL.Query().Get("api-version") == "" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		token := r.token(audience, jwt.MapClaims{"sub": subject, "repository": "acme/credentials"})
		_ = json.NewEncoder(w).Encode(map[string]any{"count": len(token), "value": token})
	}))
	r.t.Cleanup(s.Close)
	return s.URL
}

var expression = regexp.MustCompile(`\$\{\{ *([^ ]+) *\}\}`)

// expression puts values into the expressions that the workflow uses.
func (r *runner) expression(text string) string {
	known := map[string]string{
		"vars.VAULT_ADDR": r.vault.Address, "vars.CREDSYNC_VERSION": "v" + release,
		"github.event.number": "17", "github.token": "canary-github-token", "github.repository": "acme/credentials",
	}
	return expression.ReplaceAllStringFunc(text, func(found string) string {
		value, ok := known[expression.FindStringSubmatch(found)[1]]
		if !ok {
			r.t.Fatalf("no test knows %s", found)
		}
		return value
	})
}
