//go:build acceptance

package deploy

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/acceptance/servers"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// pod runs a CronJob's container as a process of this machine, with what a
// kubelet would give it: the volumes, the environment and the identity. Each
// path of a volume is replaced by that of a folder.
type pod struct {
	*servers.KubernetesServer
	t         *testing.T
	namespace string
	spec      corev1.PodSpec
	container corev1.Container
	// paths has the folder of each mounted path.
	paths map[string]string
	// env is set besides what the container has.
	env map[string]string
}

func newPod(t *testing.T, k *servers.KubernetesServer, job batchv1.CronJob, env map[string]string) *pod {
	t.Helper()
	spec := job.Spec.JobTemplate.Spec.Template.Spec
	if len(spec.Containers) != 1 {
		t.Fatalf("%d containers", len(spec.Containers))
	}
	p := &pod{KubernetesServer: k, t: t, namespace: job.Namespace, spec: spec, container: spec.Containers[0], paths: map[string]string{}, env: env}
	for _, m := range p.container.VolumeMounts {
		p.paths[m.MountPath] = t.TempDir()
	}
	for _, m := range p.container.VolumeMounts {
		p.fill(m)
	}
	return p
}

// fill puts into a mounted folder what its volume has.
func (p *pod) fill(m corev1.VolumeMount) {
	p.t.Helper()
	at := slices.IndexFunc(p.spec.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name })
	if at < 0 {
		p.t.Fatalf("there is no volume %s", m.Name)
	}
	files := map[string]string{}
	switch v := p.spec.Volumes[at]; {
	case v.ConfigMap != nil:
		o := p.Must(http.MethodGet, "/api/v1/namespaces/"+p.namespace+"/configmaps/"+v.ConfigMap.Name, "", nil)
		files = as[corev1.ConfigMap](p.t, o).Data
	case v.Projected != nil:
		for _, source := range v.Projected.Sources {
			life := time.Duration(*source.ServiceAccountToken.ExpirationSeconds) * time.Second
			files[source.ServiceAccountToken.Path] = p.Token(p.namespace, p.spec.ServiceAccountName, life, source.ServiceAccountToken.Audience)
		}
	case v.EmptyDir != nil, v.PersistentVolumeClaim != nil:
		return
	default:
		p.t.Fatalf("no test knows the kind of the volume %s", v.Name)
	}
	p.project(p.paths[m.MountPath], files)
}

// project writes files as a kubelet does: in a hidden folder, with links to
// them.
func (p *pod) project(dir string, files map[string]string) {
	p.t.Helper()
	data := filepath.Join(dir, "..data")
	if err := os.Mkdir(data, 0o755); err != nil {
		p.t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(data, name), []byte(p.local(text)), 0o600); err != nil {
			p.t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)); err != nil {
			p.t.Fatal(err)
		}
	}
}

// local is text with the folders of this machine in it.
func (p *pod) local(text string) string {
	for _, path := range slices.Sorted(maps.Keys(p.paths)) {
		text = strings.ReplaceAll(text, path, p.paths[path])
	}
	return text
}

// environment is the container's, and nothing of this machine's.
func (p *pod) environment() []string {
	p.t.Helper()
	all := map[string]string{}
	if *p.spec.AutomountServiceAccountToken {
		all["KUBECONFIG"] = p.Kubeconfig(p.Token(p.namespace, p.spec.ServiceAccountName, time.Hour), p.namespace)
	}
	for _, v := range p.container.Env {
		all[v.Name] = p.local(v.Value)
		if v.ValueFrom == nil {
			continue
		}
		from := v.ValueFrom.SecretKeyRef
		data, _ := p.Secret(p.namespace, from.Name)["data"].(servers.Object)
		encoded, ok := data[from.Key].(string)
		if !ok {
			p.t.Fatalf("%s: there is no key %s in a Secret %s", v.Name, from.Key, from.Name)
		}
		text, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			p.t.Fatal(err)
		}
		all[v.Name] = string(text)
	}
	maps.Copy(all, p.env)
	var env []string
	for name, value := range all {
		env = append(env, name+"="+value)
	}
	return env
}

// run runs the container to its end, which has to be a good one, and returns
// what it prints. Of an Indexed Job it is the pod of that index.
func (p *pod) run(index int) string {
	p.t.Helper()
	if len(p.container.Command) > 0 {
		p.t.Fatalf("the container has the command %q, which the image does not know", p.container.Command)
	}
	var args []string
	for _, a := range p.container.Args {
		args = append(args, p.local(a))
	}
	cmd := exec.CommandContext(p.t.Context(), program, args...)
	cmd.Dir = "/"
	cmd.Env = append(p.environment(), fmt.Sprintf("JOB_COMPLETION_INDEX=%d", index))
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Fatalf("credsync %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// collection is the path of an object's kind in the API.
func collection(o servers.Object) string {
	version, _ := o["apiVersion"].(string)
	kind, _ := o["kind"].(string)
	metadata, _ := o["metadata"].(servers.Object)
	base := "/apis/" + version
	if version == "v1" {
		base = "/api/v1"
	}
	if namespace, ok := metadata["namespace"].(string); ok {
		base += "/namespaces/" + namespace
	}
	plural := strings.ToLower(kind) + "s"
	if stem, ok := strings.CutSuffix(plural, "ys"); ok {
		plural = stem + "ies"
	}
	return path.Join(base, plural)
}
