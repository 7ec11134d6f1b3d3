//go:build acceptance

package deploy

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/credsync/credsync/testkit/output"
	"github.com/credsync/credsync/testkit/port"
	"github.com/credsync/credsync/testkit/servers"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// testDaemon runs the Deployment's container as its ServiceAccount: it delivers,
// answers its probes, takes up a changed ConfigMap, and stops when told to.
func testDaemon(t *testing.T, k *servers.KubernetesServer) {
	restricted(k, "runs-d", "team-d")
	upstreams := newSandbox(t)
	all := objects(t, render(t, "runs-d", "--values", "testdata/daemon.yaml", "--set", "variables.url="+upstreams.URL("invoicebox")))
	apply(t, k, all)
	k.CreateSecret("runs-d", "credsync-inputs", map[string]string{"token": upstreamToken}, nil)
	deployment := ofKind[appsv1.Deployment](t, all, "Deployment")[0]
	template := deployment.Spec.Template
	wantRestricted(t, k, "runs-d", template)
	wantReachable(t, all, template)

	d := startDaemon(t, newPodOf(t, k, "runs-d", template.Spec, nil))
	d.probe(template.Spec.Containers[0].LivenessProbe, http.StatusOK)
	d.probe(template.Spec.Containers[0].ReadinessProbe, http.StatusOK)
	d.await("the token", func() bool { return k.Secret("team-d", "token-a") != nil })
	wantSecret(t, k.Secret("team-d", "token-a"), "access_token", upstreamToken)
	d.await("its metrics", func() bool {
		return strings.Contains(d.get("/metrics"), `credsync_targets_delivered{address="account.invoicebox.a",provider="invoicebox"} 1`)
	})

	config := configMap(t, all).Data["main.hcl"]
	second := strings.ReplaceAll(config[strings.Index(config, `account "invoicebox" "a"`):], `"a"`, `"b"`)
	d.pod.project("/etc/credsync", map[string]string{"main.hcl": config + strings.ReplaceAll(second, "token-a", "token-b")})
	d.await("the token of an account that was added", func() bool { return k.Secret("team-d", "token-b") != nil })

	if code := d.stop(); code != 0 {
		t.Errorf("stopped by SIGTERM it ends with %d:\n%s", code, d.log.String())
	}
	if strings.Contains(d.log.String(), upstreamToken) {
		t.Error("the token is in the log")
	}
}

// wantReachable wants the Service and the NetworkPolicy to lead to the pod's
// port.
func wantReachable(t *testing.T, all []servers.Object, template corev1.PodTemplateSpec) {
	t.Helper()
	port := template.Spec.Containers[0].Ports[0]
	service := ofKind[corev1.Service](t, all, "Service")[0]
	if service.Spec.Ports[0].TargetPort.String() != port.Name || !service.Spec.PublishNotReadyAddresses {
		t.Errorf("the Service is %+v", service.Spec)
	}
	for name, value := range service.Spec.Selector {
		if template.Labels[name] != value {
			t.Errorf("the Service selects %s=%s, and the pod has %q", name, value, template.Labels[name])
		}
	}
	ingress := ofKind[networkingv1.NetworkPolicy](t, all, "NetworkPolicy")[0].Spec.Ingress
	if len(ingress) != 1 || ingress[0].Ports[0].Port.IntVal != port.ContainerPort || len(ingress[0].From) != 1 {
		t.Errorf("the NetworkPolicy lets in %+v", ingress)
	}
	if template.Annotations["prometheus.io/port"] != fmt.Sprint(port.ContainerPort) || template.Annotations["example.com/note"] == "" {
		t.Errorf("the annotations are %v", template.Annotations)
	}
}

// daemonProcess is a Deployment's container at work.
type daemonProcess struct {
	t     *testing.T
	pod   *pod
	at    string
	log   output.Buffer
	ended chan error
	end   func() error
	code  func() int
}

// startDaemon starts the container, which listens at a port of its own on this
// machine's loopback alone.
func startDaemon(t *testing.T, p *pod) *daemonProcess {
	t.Helper()
	d := &daemonProcess{t: t, pod: p, at: port.Address(t), ended: make(chan error, 1)}
	i := slices.Index(p.container.Args, "--listen=:9090")
	if i < 0 {
		t.Fatalf("the container does not listen: %v", p.container.Args)
	}
	p.container.Args = slices.Clone(p.container.Args)
	p.container.Args[i] = "--listen=" + d.at
	cmd := p.command(0)
	cmd.Stdout, cmd.Stderr = &d.log, &d.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d.end = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	d.code = func() int { return cmd.ProcessState.ExitCode() }
	go func() { d.ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return d
}

// stop ends it as a kubelet does, and returns its exit code.
func (d *daemonProcess) stop() int {
	d.t.Helper()
	if err := d.end(); err != nil {
		d.t.Fatal(err)
	}
	select {
	case <-d.ended:
		return d.code()
	case <-time.After(30 * time.Second):
		d.t.Fatal("it does not stop")
		return -1
	}
}

func (d *daemonProcess) await(what string, there func() bool) {
	d.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if there() {
			return
		}
	}
	d.t.Fatalf("after a minute there is not %s; the log:\n%s", what, d.log.String())
}

// get returns what is served at a path, behind its status.
func (d *daemonProcess) get(path string) string {
	resp, err := http.Get("http://" + d.at + path)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return fmt.Sprintf("%d %s", resp.StatusCode, body)
}

func (d *daemonProcess) probe(p *corev1.Probe, want int) {
	d.t.Helper()
	d.await("an answer to the probe of "+p.HTTPGet.Path, func() bool {
		return strings.HasPrefix(d.get(p.HTTPGet.Path), fmt.Sprint(want))
	})
}
