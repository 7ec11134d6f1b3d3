//go:build acceptance

package deploy

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/testkit/servers"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// serviceAccountDir is where a kubelet puts a pod's identity.
const serviceAccountDir = "/var/run/secrets/kubernetes.io/serviceaccount"

// pod runs the container of a CronJob or a Deployment as a process of this machine, with what a
// kubelet would give it: the image, the volumes, the environment and the
// identity. Where the machine lets nobody change the root, the paths of the
// volumes are replaced by those of folders, and the identity comes from a
// kubeconfig.
type pod struct {
	*servers.KubernetesServer
	t         *testing.T
	namespace string
	spec      corev1.PodSpec
	container corev1.Container
	// root is the container's root, and entered tells that the process gets it.
	root    string
	entered bool
	// env is set besides what the container has.
	env map[string]string
}

func newPod(t *testing.T, k *servers.KubernetesServer, job batchv1.CronJob, env map[string]string) *pod {
	t.Helper()
	return newPodOf(t, k, job.Namespace, job.Spec.JobTemplate.Spec.Template.Spec, env)
}

func newPodOf(
	t *testing.T,
	k *servers.KubernetesServer,
	namespace string,
	spec corev1.PodSpec,
	env map[string]string,
) *pod {
	t.Helper()
	if len(spec.Containers) != 1 {
		t.Fatalf("%d containers", len(spec.Containers))
	}
	p := &pod{
		KubernetesServer: k,
		t:                t,
		namespace:        namespace,
		spec:             spec,
		container:        spec.Containers[0],
		root:             newRoot(t),
		env:              env,
	}
	p.entered = mayChangeRoot(t, p.root)
	for _, m := range p.container.VolumeMounts {
		p.fill(m)
	}
	if *spec.AutomountServiceAccountToken {
		p.project(serviceAccountDir, map[string]string{
			"token": k.Token(p.namespace, spec.ServiceAccountName, time.Hour), "ca.crt": k.CA.PEM, "namespace": p.namespace,
		})
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
			files[source.ServiceAccountToken.Path] = p.Token(
				p.namespace,
				p.spec.ServiceAccountName,
				life,
				source.ServiceAccountToken.Audience,
			)
		}
	case v.EmptyDir != nil, v.PersistentVolumeClaim != nil:
		p.writable(m.MountPath)
		return
	default:
		p.t.Fatalf("no test knows the kind of the volume %s", v.Name)
	}
	p.project(m.MountPath, files)
}

// project writes files as a kubelet does: in a hidden folder, with links to
// them, by way of one link that is replaced when they change.
func (p *pod) project(dir string, files map[string]string) {
	p.t.Helper()
	dir = filepath.Join(p.root, dir)
	must := func(err error) {
		if err != nil {
			p.t.Helper()
			p.t.Fatal(err)
		}
	}
	must(os.MkdirAll(dir, 0o755))
	hidden, err := os.MkdirTemp(dir, "..")
	must(err)
	must(os.Chmod(hidden, 0o755))
	for name, text := range files {
		must(os.WriteFile(filepath.Join(hidden, name), []byte(p.local(text)), 0o644))
	}
	must(os.Symlink(filepath.Base(hidden), filepath.Join(dir, "..data_tmp")))
	must(os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	for name := range files {
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)); !errors.Is(err, fs.ErrExist) {
			must(err)
		}
	}
}

// writable makes a folder that the container's user may write in, which holds
// for no other.
func (p *pod) writable(dir string) {
	p.t.Helper()
	dir = filepath.Join(p.root, dir)
	err := os.MkdirAll(dir, 0o755)
	if err == nil && os.Getuid() == 0 {
		err = os.Chown(dir, nonroot, nonroot)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// local is text with the paths of volumes as the process has them.
func (p *pod) local(text string) string {
	if p.entered {
		return text
	}
	for _, m := range p.container.VolumeMounts {
		text = strings.ReplaceAll(text, m.MountPath, filepath.Join(p.root, m.MountPath))
	}
	return text
}

// clusterAccess is the environment by which a pod finds the API server.
func (p *pod) clusterAccess() map[string]string {
	p.t.Helper()
	if !*p.spec.AutomountServiceAccountToken {
		return map[string]string{}
	}
	if !p.entered {
		return map[string]string{
			"KUBECONFIG": p.Kubeconfig(p.Token(p.namespace, p.spec.ServiceAccountName, time.Hour), p.namespace),
		}
	}
	address, err := url.Parse(p.Address)
	if err != nil {
		p.t.Fatal(err)
	}
	return map[string]string{"KUBERNETES_SERVICE_HOST": address.Hostname(), "KUBERNETES_SERVICE_PORT": address.Port()}
}

// environment is the container's, and nothing of this machine's.
func (p *pod) environment() []string {
	p.t.Helper()
	all := p.clusterAccess()
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

// command is the container's process. Of an Indexed Job it is the pod of that
// index.
func (p *pod) command(index int) *exec.Cmd {
	p.t.Helper()
	if len(p.container.Command) > 0 {
		p.t.Fatalf("the container has the command %q, which the image does not know", p.container.Command)
	}
	var args []string
	for _, a := range p.container.Args {
		args = append(args, p.local(a))
	}
	cmd := exec.CommandContext(p.t.Context(), program, args...)
	if p.entered {
		cmd = exec.CommandContext(p.t.Context(), installed, args...)
		enterRoot(cmd, p.root)
	}
	cmd.Env = append(p.environment(), fmt.Sprintf("JOB_COMPLETION_INDEX=%d", index))
	return cmd
}

// run runs the container to its end, which has to be a good one, and returns
// what it prints.
func (p *pod) run(index int) string {
	p.t.Helper()
	cmd := p.command(index)
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Fatalf("credsync %s: %v\n%s", strings.Join(cmd.Args[1:], " "), err, out)
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
